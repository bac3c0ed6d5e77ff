/** The valibot schemas of the settings, and the conversion from an operator's units to the engine's. */
import * as v from "valibot";
import { integerBetween } from "../events/schema-parts.ts";
import {
  choiceSettings,
  type engineSettings,
  type NumberSetting,
  type SettingName,
  type Settings,
  settingList,
} from "./settings.ts";

type ChoiceName = keyof typeof choiceSettings;
type NumberSchema = v.OptionalSchema<v.GenericSchema<number>, number>;
type OperatorName<N extends SettingName> = (typeof engineSettings)[N] extends {
  operator: { name: infer Name extends string };
}
  ? Name
  : N;
/** The settings as an operator writes them, each in the unit of its name. */
export type OperatorSettings = { readonly [N in SettingName as OperatorName<N>]: number } & Pick<
  Settings,
  ChoiceName
>;

/** The schema of a setting that an operator writes. docs/settings.md shows its unit and description. */
export function numberSetting({ unit, lowest, highest, default: value, description }: NumberSetting) {
  return v.pipe(
    v.optional(integerBetween(lowest, highest), value),
    v.metadata({ unit }),
    v.description(description),
  );
}

const choiceEntries = {
  compression: v.pipe(
    v.optional(v.picklist(choiceSettings.compression.choices), choiceSettings.compression.default),
    v.description(choiceSettings.compression.description),
  ),
} satisfies Record<ChoiceName, unknown>;

/** The fields of a stage's settings that the engine uses, by the operators' names. */
export const operatorEntries = {
  ...choiceEntries,
  ...numberEntries(),
};

function numberEntries() {
  return Object.fromEntries(
    settingList.map(([name, { operator, ...setting }]) => {
      const { lowest, highest, default: value, description } = setting;
      const { size, ...written } = operator ?? { name, unit: setting.unit, size: 1 };
      return [
        written.name,
        numberSetting({
          unit: written.unit,
          lowest: lowest / size,
          highest: highest / size,
          default: value / size,
          description,
        }),
      ];
    }),
  ) as unknown as { readonly [N in SettingName as OperatorName<N>]: NumberSchema };
}

/** Converts an operator's settings to the engine's units. */
export function engineSettingsOf(written: OperatorSettings): Settings {
  const numbers = settingList.map(([name, { operator }]) => {
    const value = written[(operator?.name ?? name) as Exclude<keyof OperatorSettings, ChoiceName>];
    return [name, value * (operator?.size ?? 1)];
  });
  return { ...Object.fromEntries(numbers), compression: written.compression } as Settings;
}

/**
 * The schema of the workers' link. The local host and tests use shorter times than an operator may choose, so only 0 is
 * refused where an operator may not write it.
 */
export const settingsSchema = v.object({
  ...choiceEntries,
  ...(Object.fromEntries(
    settingList.map(([name, { lowest, highest, default: value }]) => [
      name,
      v.optional(integerBetween(Math.min(lowest, 1), highest), value),
    ]),
  ) as unknown as { readonly [N in SettingName]: NumberSchema }),
});
