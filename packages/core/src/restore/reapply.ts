/**
 * Gives a table that the restore created the settings that must come after its data: a stream would contain the restored items,
 * time to live would delete some during the restore, and deletion protection would hinder an operator who wants to start again.
 */
import { bucketOf } from "../archive/bucket.ts";
import { requireUnchanged } from "../archive/fingerprint.ts";
import { tableKey } from "../archive/keys.ts";
import { homeOf } from "../archive/location.ts";
import { decodeTableFile } from "../archive/table-settings.ts";
import { isPermanent, sentence } from "../errors/errors.ts";
import { truncate } from "../errors/truncate.ts";
import type { RestorePlan } from "../events/events.ts";
import type { SettingReport, SettingReports } from "../events/setting-reports.ts";
import type { LateSetting, Ports } from "../ports.ts";
import { invocationLeftMs } from "../segment/slice-budget.ts";
import { tableOf } from "../table/table-identity.ts";
import { newTable } from "./new-table.ts";

/** How often, and how long, one invocation tries a setting while the table is being changed. Then it hands off. */
const POLL_MS = 3_000;
const WAIT_MS_MAX = 20_000;
/** After as many invocations, a setting that is still pending is reported as refused: about 20 minutes. */
const WAITS_MAX = 60;
/** A report is in an event and a row. */
const REASON_LENGTH_MAX = 300;

/**
 * Applies the settings one after the other. `waits`: how many invocations have waited before this one. Returns the reports, or
 * nothing if another invocation must continue; it then applies all settings again, which changes nothing. A setting that is
 * refused does not fail the restore. Permanent error: `archive-changed`.
 */
export async function reapplySettings(
  plan: RestorePlan & Required<Pick<RestorePlan, "created">>,
  waits: number,
  ports: Ports,
): Promise<SettingReports | undefined> {
  const bucket = bucketOf(plan.request);
  const key = tableKey(homeOf(plan.manifest.location));
  const stored = requireUnchanged(
    bucket,
    key,
    plan.created["table-file"],
    await ports.archive.get(bucket, key),
    ports.codec.md5,
  );
  const file = decodeTableFile(bucket, key, stored.body);
  const { late, reports, remarks } = newTable(plan.request, file);
  const all: Record<string, SettingReport> = { ...reports };
  const untilMs = ports.time.now() + Math.min(WAIT_MS_MAX, invocationLeftMs(ports));
  for (const setting of late) {
    const report = await applied(withOwnArn(setting, file.Table.TableArn, plan), remarks[setting.name]);
    if (report === undefined) return undefined;
    // A table without tags still loses its owner: only a failure of that is reported.
    if (all[setting.name] === undefined || report.outcome === "refused") all[setting.name] = report;
  }
  return all;

  /** Nothing if the table is still being changed when the time is up. */
  async function applied(setting: LateSetting, remark?: string): Promise<SettingReport | undefined> {
    for (;;) {
      try {
        if ((await ports.admin.apply(tableOf(plan), plan.table.arn, setting)) === "applied")
          return { outcome: "reapplied", ...(remark !== undefined && { reason: short(remark) }) };
      } catch (error) {
        if (!isPermanent(error)) throw error;
        return refused(sentence(error));
      }
      if (ports.time.now() + POLL_MS > untilMs) break;
      await ports.time.sleep(POLL_MS);
    }
    return waits < WAITS_MAX
      ? undefined
      : refused("the table was still being changed after 20 minutes: apply the setting when it is ACTIVE");
  }
}

function refused(reason: string): SettingReport {
  return { outcome: "refused", reason: short(reason) };
}

/** As a part of a sentence. */
function short(reason: string): string {
  return truncate(reason, REASON_LENGTH_MAX).replace(/\.$/, "");
}

/** A resource policy names its own table. */
function withOwnArn(
  setting: LateSetting,
  sourceArn: string | undefined,
  { table }: RestorePlan,
): LateSetting {
  if (setting.name !== "resource-policy" || sourceArn === undefined) return setting;
  return { ...setting, policy: setting.policy.replaceAll(sourceArn, table.arn) };
}
