/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  async app(input) {
    const { stages } = await import("./stacks/stages.ts");
    const { isProtected } = await import("./stacks/settings/parse.ts");
    const { refuseOtherTarget } = await import("./stacks/settings/target.ts");
    const { callerAccount } = await import("./stacks/settings/caller-account.ts");
    // The other settings are not checked yet: run() refuses an unknown stage, or wrong settings, with one message.
    const stage = stages[input.stage];
    if (stage !== undefined) await refuseOtherTarget(input.stage, stage, process.env, callerAccount);
    const keep = isProtected(stages, input.stage);
    return {
      name: "ferry",
      home: "aws",
      removal: keep ? "retain" : "remove",
      protect: keep,
      providers: {
        aws: {
          version: "7.20.0",
          ...(stage !== undefined && {
            region: stage.region as "us-east-1",
            allowedAccountIds: [stage.account],
          }),
          defaultTags: { tags: { ...stage?.tags, "ferry:stage": input.stage } },
        },
      },
    };
  },
  async run() {
    const { outputs } = await import("./stacks/app/ferry.ts");
    return outputs;
  },
});
