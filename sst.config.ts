/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  async app(input) {
    // The settings are not checked yet: run() refuses an unknown stage with one message.
    const { stages } = await import("./stacks/stages.ts");
    const { isProtected } = await import("./stacks/settings/parse.ts");
    const keep = isProtected(stages, input.stage);
    return {
      name: "ferry",
      home: "aws",
      removal: keep ? "retain" : "remove",
      protect: keep,
      providers: {
        aws: {
          version: "7.20.0",
          defaultTags: { tags: { ...stages[input.stage]?.tags, "ferry:stage": input.stage } },
        },
      },
    };
  },
  async run() {
    const { outputs } = await import("./stacks/app/ferry.ts");
    return outputs;
  },
});
