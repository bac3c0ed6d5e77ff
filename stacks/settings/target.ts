/** The account and region that a stage is pinned to, compared with those that a command would use. */
import { STAGES_FILE } from "./parse.ts";
import type { StageSettingsInput } from "./schema.ts";

export type Pinned = Pick<StageSettingsInput, "account" | "region">;

/**
 * Throws if the credentials are another account's, or if the environment names another region. It runs before SST creates
 * its state bucket, so that the wrong account is not changed at all. `callerAccount` returns the credentials' account; `file` is the
 * settings' file, for messages.
 */
export async function refuseOtherTarget(
  stage: string,
  pinned: Pinned,
  environment: Readonly<Record<string, string | undefined>>,
  callerAccount: (pinned: Pinned) => Promise<string>,
  file = STAGES_FILE,
): Promise<void> {
  for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"]) {
    const region = environment[name];
    if (region !== undefined && region !== "" && region !== pinned.region)
      throw new Error(
        `Stage "${stage}" is pinned to ${pinned.region} in ${file}, but ${name} is ${region}. Unset ${name}, or use a stage of that region.`,
      );
  }
  const account = await callerAccount(pinned);
  if (account !== pinned.account)
    throw new Error(
      `Stage "${stage}" is pinned to the account ${pinned.account} in ${file}, but the credentials are of ${account}${profileOf(environment)}. Use credentials of ${pinned.account}.`,
    );
}

const profileOf = ({ AWS_PROFILE: profile }: Readonly<Record<string, string | undefined>>) =>
  profile === undefined || profile === "" ? "" : ` (AWS_PROFILE is ${profile})`;
