/** The settings of the stage that is being built. Whatever is wrong with them stops the deploy here, all of it at once. */
import { parseStage } from "./settings/parse.ts";
import { stages } from "./stages.ts";

export const settings = parseStage(stages, $app.stage);
