import { openFerry } from "@ferry/client/ferry";
import type { RunCommand } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { commandText } from "../pasteable.ts";
import { styledState } from "./task-text.ts";

export const run: RunCommand = async ({ arguments: [id = ""] }, { stage, output }) => {
  const ferry = await openFerry(stage);
  const handle = await ferry.task(id);
  const task = await handle.cancel();
  output.value(task);
  output.line(`${task.id}: ${styledState(task, output)}`);
  if (task.state === "cancelling")
    output.note(`Its segments stop within seconds: ${commandText("watch", task.id ?? id)} shows it.`);
  return task.state === "cancelling" || task.state === "cancelled" ? exitCodes.done : exitCodes.refused;
};
