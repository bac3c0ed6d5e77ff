/**
 * `npm run scale`: the figures of docs/performance.md for tables of 1, 10 and 100 TB, as rows of Markdown.
 */
import { npmScript, repeated, wholeNumberFrom } from "@ferry/terminal/npm-script";
import { measureScale } from "./measure-scale.ts";

const TB = 1e12;
const ITEM_BYTES = 1000;
const PUT_EVENTS_PER_SECOND = 10_000;
/** The default of a stage's workers. */
const CONCURRENCY = 50;

const thousands = (value: number) => Math.round(value).toLocaleString("en-US");
const [given] = npmScript(
  "scale",
  "Counts the files, calls, events and invocations of a backup and a restore of large tables, in virtual time.",
)
  .argument("[TB...]", "sizes of tables, TB (default: 1 10 100)", repeated(wholeNumberFrom(1, 1000)))
  .parse().processedArgs as [readonly number[] | undefined];

for (const size of given ?? [1, 10, 100]) {
  const startMs = performance.now();
  console.error(`${size} TB …`);
  const { batchBytes, listBytes, backup, restore } = await measureScale(size * TB, ITEM_BYTES);
  for (const [action, task] of Object.entries({ backup, restore })) {
    const seconds = task.workSeconds / Math.min(CONCURRENCY, task.segments);
    const cells = [
      `${action} of ${size} TB`,
      task.segments,
      `${thousands(task.files)} of ${Math.round(batchBytes / 2 ** 20)} MiB`,
      thousands(task.itemCalls),
      thousands(task.calls.putNew),
      thousands(task.calls.head + task.calls.get + task.calls.open + task.calls.list),
      thousands(task.invocations),
      `${thousands(task.events)}, ${(task.events / seconds).toFixed(2)} a second`,
      thousands(task.eventBytesMax),
      `${task.lastStep.invocations}, ${thousands(task.lastStep.calls)} calls`,
      `${(seconds / 3600).toFixed(1)} h`,
    ];
    if (task.events / seconds > PUT_EVENTS_PER_SECOND) throw new Error(`${action}: too many events a second`);
    console.log(`| ${cells.join(" | ")} |`);
  }
  console.error(
    `${size} TB: manifest-files.json has ${Math.round(listBytes / 1e6)} MB; measured in ${Math.round((performance.now() - startMs) / 1000)} s`,
  );
}
