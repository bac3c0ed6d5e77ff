import { expect, test } from "vitest";
import { refuseOtherTarget } from "./target.ts";

const pinned = { account: "111111111111", region: "us-east-1" };
const check = (environment: Record<string, string>, account = "111111111111") =>
  refuseOtherTarget("production", pinned, environment, async () => account);

test.each([{}, { AWS_REGION: "us-east-1" }, { AWS_REGION: "", AWS_PROFILE: "main" }])(
  "given the pinned account and the environment %j, the stage is accepted",
  async (environment) => {
    await expect(check(environment as Record<string, string>)).resolves.toBeUndefined();
  },
);

test.each(["AWS_REGION", "AWS_DEFAULT_REGION"])(
  "given another region in %s, the message names both regions, and no call is made",
  async (name) => {
    const refused = refuseOtherTarget("production", pinned, { [name]: "eu-west-1" }, () => {
      throw new Error("called");
    });
    await expect(refused).rejects.toThrow(
      `Stage "production" is pinned to us-east-1 in stacks/stages.ts, but ${name} is eu-west-1.`,
    );
  },
);

test("given credentials of another account, the message names both accounts and the profile", async () => {
  await expect(check({ AWS_PROFILE: "sandbox" }, "222222222222")).rejects.toThrow(
    'Stage "production" is pinned to the account 111111111111 in stacks/stages.ts, but the credentials are of 222222222222 (AWS_PROFILE is sandbox).',
  );
});

test("given another file of settings, the message names that file", async () => {
  const account = async () => "111111111111";
  const refused = refuseOtherTarget("beta", pinned, { AWS_REGION: "eu-west-1" }, account, "trial/stages.ts");
  await expect(refused).rejects.toThrow('Stage "beta" is pinned to us-east-1 in trial/stages.ts, but');
});
