/**
 * What `ferry prune --json` prints of an archive.
 */
import type { PruneDecision } from "@ferry/client/prune/plan-prune";
import type { RemovedArchive } from "@ferry/client/prune/remove-archive";

export interface PrunedArchive extends Partial<RemovedArchive> {
  readonly url: string;
  readonly tableArn?: string;
  readonly startedTime?: string;
  readonly decision: PruneDecision["decision"];
  readonly reasons: readonly string[];
}
