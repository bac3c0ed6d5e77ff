/** The Lambda function that consumes `projection-queue`. */
import { projectorHandler } from "../lambda/projector.ts";
import { wireProjector } from "../lambda/wire-projector.ts";

export const handler = projectorHandler(wireProjector);
