/** The account of the credentials that a command uses. graph/synth/caller-account.ts replaces it, because synth has none. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { Pinned } from "./target.ts";

export async function callerAccount({ region }: Pinned): Promise<string> {
  try {
    const { Account } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    return Account ?? "an unknown account";
  } catch (error) {
    throw new Error(
      `The account of the credentials could not be determined (sts:GetCallerIdentity in ${region}): ${(error as Error).message}. Set AWS_PROFILE, or log in.`,
      { cause: error },
    );
  }
}
