/**
 * Every command, in the order of the help.
 */
import type { CommandSpec } from "../command.ts";
import { archivesCommand } from "./archives.ts";
import { backupCommand } from "./backup.ts";
import { cancelCommand } from "./cancel.ts";
import { catCommand } from "./cat.ts";
import { completionCommand } from "./completion.ts";
import { doctorCommand } from "./doctor.ts";
import { estimateCommand } from "./estimate.ts";
import { eventsCommand } from "./events.ts";
import { inspectCommand } from "./inspect.ts";
import { localCommand } from "./local.ts";
import { pruneCommand } from "./prune.ts";
import { restoreCommand } from "./restore.ts";
import { retryCommand } from "./retry.ts";
import { statusCommand } from "./status.ts";
import { tasksCommand } from "./tasks.ts";
import { verifyCommand } from "./verify.ts";
import { watchCommand } from "./watch.ts";

/** The built package is JavaScript, and does not contain the local host. */
const isClone = import.meta.url.endsWith(".ts");

export const commands: readonly CommandSpec[] = [
  backupCommand,
  restoreCommand,
  watchCommand,
  tasksCommand,
  statusCommand,
  cancelCommand,
  retryCommand,
  eventsCommand,
  archivesCommand,
  inspectCommand,
  catCommand,
  verifyCommand,
  pruneCommand,
  estimateCommand,
  doctorCommand,
  ...(isClone ? [localCommand] : []),
  completionCommand,
];
