/** Every invariant, and the check of a graph against them. */
import { limitInvariants } from "./aws-limits.ts";
import { deliveryInvariants } from "./delivery.ts";
import type { Deployment, Invariants } from "./invariant.ts";
import { monitoringInvariants } from "./monitoring.ts";
import { nameInvariants } from "./names.ts";
import { permissionInvariants } from "./permissions.ts";
import { stageInvariants } from "./stages.ts";

export const invariants: Invariants = {
  ...permissionInvariants,
  ...deliveryInvariants,
  ...limitInvariants,
  ...nameInvariants,
  ...monitoringInvariants,
  ...stageInvariants,
};

/** The violations by invariant; empty if every invariant holds. */
export function violatedInvariants(deployment: Deployment): ReadonlyMap<string, readonly string[]> {
  return new Map(
    Object.entries(invariants)
      .map(([name, { violations }]) => [name, [...violations(deployment)]] as const)
      .filter(([, problems]) => problems.length > 0),
  );
}
