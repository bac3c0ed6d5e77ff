/**
 * The command line of an npm script: options, help, and errors of one or two lines with exit code 2.
 */
import { Command, InvalidArgumentError } from "commander";

/** The parser of `npm run NAME`. `after` is printed below the options in its help. */
export function npmScript(name: string, about: string, after = ""): Command {
  return new Command(`npm run ${name} --`)
    .description(about)
    .helpOption("-h, --help", "print this text")
    .allowExcessArguments(false)
    .showSuggestionAfterError()
    .showHelpAfterError(`"npm run ${name} -- --help" lists the options.`)
    .configureOutput({
      outputError: (text, write) => write(`ferry ${name}: ${text.replace(/^error: /, "")}`),
    })
    .addHelpText("after", after === "" ? "" : `\n${after}`)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
}

/** Reads an option's value as a whole number from `min` to `max`. */
export function wholeNumberFrom(min: number, max: number): (given: string) => number {
  return (given) => {
    const number = Number(given);
    if (/^\d+$/.test(given) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}: got ${given}`);
  };
}

/** Reads an option's value as one of some names. `expected` describes them in the error, if they are too many to list. */
export function oneOf<T extends string>(
  names: readonly T[],
  expected = `one of ${names.join(", ")}`,
): (given: string) => T {
  return (given) => {
    const found = names.find((name) => name === given);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`It must be ${expected}: got ${given}`);
  };
}

/** Reads an option's value as text, unless `problemOf` returns what is wrong with it, as a predicate: `must be …`. */
export function textWithout(problemOf: (given: string) => string | undefined): (given: string) => string {
  return (given) => {
    const problem = problemOf(given);
    if (problem === undefined) return given;
    throw new InvalidArgumentError(`It ${problem}`);
  };
}

/** For an option that may be repeated: appends each value that `read` accepts to those before it. */
export function repeated<T>(
  read: (given: string) => T,
): (given: string, before?: readonly T[]) => readonly T[] {
  return (given, before = []) => [...before, read(given)];
}
