import { openFerry } from "@ferry/client/ferry";
import type { RunCommand } from "../command.ts";
import { follow } from "./follow.ts";

export const run: RunCommand = async ({ arguments: [id = ""] }, context) => {
  const ferry = await openFerry(context.stage);
  return follow(await ferry.task(id), context);
};
