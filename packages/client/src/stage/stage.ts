/**
 * A stage: the names of its bus and tables, and access to them.
 */

import { type Call, translateErrors } from "@ferry/aws/errors";
import { localHost } from "@ferry/core/local-host";
import { physicalName, STAGE_NAME, type TableName } from "@ferry/core/topology";
import { type AccessOptions, type AwsAccess, openAccess } from "../access.ts";
import { ClientError, explained } from "../client-error.ts";

export interface StageOptions extends AccessOptions {
  /** The stage's name; not needed with `local`. */
  readonly stage?: string;
}

export interface Stage {
  readonly name: string;
  /** The region of the bus and the status tables. */
  readonly region: string;
  readonly access: AwsAccess;
  readonly bus: string;
  table(name: TableName): string;
}

/** Opens a stage. ClientErrors `no-stage`, `invalid-stage`, `no-region`, `invalid-endpoint`. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const access = openAccess(options);
  const name = access.local === undefined ? options.stage : localHost.stage;
  if (name === undefined)
    throw new ClientError("usage", "no-stage", {
      message: "There is no stage.",
      hint: "Give --stage NAME, or set FERRY_STAGE; or --local for the host that `npm run local` runs.",
    });
  if (!STAGE_NAME.test(name))
    throw new ClientError("usage", "invalid-stage", {
      message: `--stage must be the name of a stage (1 to 30 of a-z 0-9 -, beginning with a letter): got ${JSON.stringify(name)}.`,
      hint: "The names of the stages are in stacks/stages.ts.",
    });
  const region = access.local === undefined ? await access.region() : localHost.homeRegion;
  return {
    name,
    region,
    access,
    bus: physicalName(name, "bus"),
    table: (table) => physicalName(name, table),
  };
}

/** Calls a part of a stage with the SDK. ClientErrors `no-such-stage`, if the part does not exist; `access-denied`. */
export async function callingStage<T>(stage: Stage, call: Call, run: () => Promise<T>): Promise<T> {
  try {
    return await translateErrors(call, run);
  } catch (error) {
    if ((error as { code?: string }).code !== "no-such-table") throw explained(error, call);
    throw new ClientError("not-found", "no-such-stage", {
      message: `There is no stage ${stage.name} in ${stage.region} in this account.`,
      hint: "Check --stage, --region and --profile. `ferry doctor` shows what is deployed.",
      cause: error,
    });
  }
}
