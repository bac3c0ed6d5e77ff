/** Names: stable, so that other systems, policies and alarms can address what is there. */
import { type Check, ofType, unless } from "./check.ts";

/** What SST would otherwise name at random, by the field that names it. */
const NAMED = [
  "EventBus",
  "Queue",
  "Table",
  "Function",
  "Role",
  "LogGroup",
  "Pipe",
  "Schedule",
  "Topic",
  "MetricAlarm",
  "Policy",
];

/** A name of ours is in small letters; one that SST drew holds the component's, and a random end. */
const OURS = /^(\/aws\/(lambda|vendedlogs\/(events|pipes))\/)?ferry-[a-z0-9-]+$/;

const namesAreStable: Check = {
  name: "names-are-stable",
  broken: (deployment) =>
    NAMED.flatMap((type) =>
      ofType(deployment, type).flatMap(({ name, inputs }) => [
        ...unless(
          // A schedule is named after its table, and unique in the stage's group.
          type === "Schedule"
            ? inputs.groupName === `ferry-${deployment.stage}`
            : OURS.test(inputs.name) && inputs.name.includes(`ferry-${deployment.stage}`),
          `${type} ${name} is called ${inputs.name}`,
        ),
      ]),
    ),
};

const tagsAreOnEverything: Check = {
  name: "tags-are-on-everything",
  broken: (deployment) => {
    const tags = deployment.graph.app.providers.aws.defaultTags?.tags ?? {};
    return Object.entries({ ...deployment.settings.tags, "ferry:stage": deployment.stage }).flatMap(
      ([key, value]) => unless(tags[key] === value, `resources are not tagged ${key}=${value}`),
    );
  },
};

export const namingChecks: readonly Check[] = [namesAreStable, tagsAreOnEverything];
