/** The arguments and options of one call, as texts and flags. */
export interface Input {
  readonly arguments: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}

/** The value of an option such as `--table <NAME>`; undefined if it is not given. */
export function textOption(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The values of an option that may be repeated; undefined if it is not given. */
export function textsOption(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value : undefined;
}
