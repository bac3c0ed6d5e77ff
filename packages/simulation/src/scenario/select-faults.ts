/**
 * Switches faults of a drawn scenario off, to find out which of them a failing seed needs.
 */
import type { FaultName } from "./fault-rates.ts";
import type { Scenario } from "./scenario.ts";

/** Which faults of a scenario may happen: all but `without`, or `only` these. */
export type FaultSelection =
  | { readonly without: readonly FaultName[] }
  | { readonly only: readonly FaultName[] };

/**
 * The scenario with the rates and counts of all other faults set to 0. `drawn` keeps those of the seed: the run still
 * draws a random number at each place where a fault could happen, so that it is identical to the full one until the
 * first fault that is switched off.
 */
export function selectFaults(scenario: Scenario, selection: FaultSelection): Scenario {
  const isSelected = (name: string) =>
    "only" in selection
      ? (selection.only as readonly string[]).includes(name)
      : !(selection.without as readonly string[]).includes(name);
  const select = <T extends object>(values: T): T =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, isSelected(name) ? value : 0]),
    ) as T;
  const { faultRates, faultCounts } = scenario;
  return {
    ...scenario,
    faultRates: select(faultRates),
    faultCounts: select(faultCounts),
    drawn: { faultRates, faultCounts },
  };
}
