/** The settings of the stage that is built. Invalid settings end the deploy here, with one message that lists every problem. */
import { stages } from "../stages.ts";
import { parseStage } from "./parse.ts";

export const settings = parseStage(stages, $app.stage, $dev);
