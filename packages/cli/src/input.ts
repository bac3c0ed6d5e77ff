/** The arguments and options of one call, as texts and flags. */
export interface Input {
  readonly arguments: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}
