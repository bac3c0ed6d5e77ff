import type { CommandSpec } from "../command.ts";

export const completionCommand: CommandSpec = {
  name: "completion",
  summary: "print a script that completes ferry's commands and options in a shell",
  description: "In bash it needs the package bash-completion.",
  arguments: { SHELL: "bash, zsh, fish or powershell" },
  options: {},
  examples: {
    "ferry completion bash": "source <(ferry completion bash) in ~/.bashrc",
    "ferry completion zsh": "source <(ferry completion zsh) in ~/.zshrc",
    "ferry completion fish": "ferry completion fish | source in ~/.config/fish/config.fish",
  },
  uses: "nothing",
  load: () => import("../run/completion.ts"),
};
