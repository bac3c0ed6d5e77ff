import * as fc from "fast-check";

// A fixed seed, so that two runs of one mutant end alike. No shrinking: it is enough to know that a property fails.
fc.configureGlobal({ seed: 1, endOnFailure: true });
