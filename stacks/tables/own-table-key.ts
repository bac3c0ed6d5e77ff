/** The encryption of Ferry's own tables: with the stage's key, or with DynamoDB's own. */
import { settings } from "../settings/stage-settings.ts";

export const ownTableKey =
  settings.ownKmsKey === undefined
    ? {}
    : { serverSideEncryption: { enabled: true, kmsKeyArn: settings.ownKmsKey } };
