import { openFerry } from "@ferry/client/ferry";
import type { RunCommand } from "../command.ts";
import { commandText } from "../pasteable.ts";
import { styledState } from "./task-text.ts";

export const run: RunCommand = async ({ arguments: [id = ""] }, { stage, output }) => {
  const ferry = await openFerry(stage);
  const handle = await ferry.task(id);
  const task = await handle.retry();
  output.value(task);
  output.line(`${task.id}: ${styledState(task, output)}, attempt ${task.attempt}`);
  output.note(`${commandText("watch", task.id ?? id)} follows it.`);
};
