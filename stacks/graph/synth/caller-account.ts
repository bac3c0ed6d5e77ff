/** Replaces settings/caller-account.ts while a graph is built: synth needs no credentials. */
import type { Pinned } from "../../settings/target.ts";

export const callerAccount = async ({ account }: Pinned): Promise<string> => account;
