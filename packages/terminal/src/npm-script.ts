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
