import type { CommandSpec } from "../command.ts";

export const completionCommand: CommandSpec = {
  name: "completion",
  summary: "print a script that completes ferry's commands and options in a shell",
  description: "In bash it needs the package bash-completion.",
  arguments: [{ name: "SHELL", description: "bash, zsh, fish or powershell" }],
  options: [],
  examples: [
    { command: "ferry completion bash", about: "source <(ferry completion bash) in ~/.bashrc" },
    { command: "ferry completion zsh", about: "source <(ferry completion zsh) in ~/.zshrc" },
    {
      command: "ferry completion fish",
      about: "ferry completion fish | source in ~/.config/fish/config.fish",
    },
  ],
  uses: "nothing",
  load: () => import("../run/completion.ts"),
};
