/**
 * The variable `NODE_OPTIONS` of the workers that move items, on Lambda and in the bench.
 *
 * V8's young generation grows with the time that a slice runs, up to three semi-spaces. On Lambda, a semi-space has 5 % of the
 * function's memory if this variable names no size (88 of 1,769 MB), on a machine with 16 GB it has 32 MB. Larger ones save no CPU time here.
 */
export const WORKER_NODE_OPTIONS = "--max-semi-space-size=8";
