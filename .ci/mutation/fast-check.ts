import * as fc from "fast-check";

// A fixed seed, so that two runs of a mutant have the same result. No shrinking: only the failure matters.
fc.configureGlobal({ seed: 1, endOnFailure: true });
