/** The use of the key of Ferry's own tables and queues, if the stage has one. */
import { region } from "../naming/arns.ts";
import { settings } from "../settings/stage-settings.ts";

/** Allows to use the key, but only through these services. */
export const useOwnKey = (...services: ("dynamodb" | "sqs")[]) =>
  settings.ownKmsKey === undefined
    ? []
    : [
        {
          actions: ["kms:Decrypt", "kms:GenerateDataKey"],
          resources: [settings.ownKmsKey],
          conditions: [
            {
              test: "StringEquals",
              variable: "kms:ViaService",
              values: services.map((service) => $interpolate`${service}.${region}.amazonaws.com`),
            },
          ],
        },
      ];
