import { toJsonSchema } from "@valibot/to-json-schema";
import { expect, test } from "vitest";
import { defaultSettings } from "../settings/settings.ts";
import { onlyJsonSchema } from "../testing/only-json-schema.ts";
import { onlySchema } from "./only.ts";
import { backupRequestSchema, restoreRequestSchema } from "./request.ts";

test("docs/request.schema.json matches the request schemas (npm test -- --update regenerates it)", async () => {
  const { maximumSegments } = defaultSettings;
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "A Ferry request: detail.request of TaskRequested, or the body of a message on request-queue",
    oneOf: [backupRequestSchema(maximumSegments), restoreRequestSchema(maximumSegments)].map((one) => {
      const { $schema: _, ...rest } = toJsonSchema(one, {
        errorMode: "ignore",
        overrideSchema: ({ valibotSchema }) =>
          valibotSchema === onlySchema.pipe[0] ? onlyJsonSchema : undefined,
      });
      return rest;
    }),
  };
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(
    "../../../../docs/request.schema.json",
  );
});
