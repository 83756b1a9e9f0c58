/**
 * What a failed request to a store means for the changes it was to make.
 *
 * - `raced`: nothing was done, somebody else was faster; at once again.
 * - `refused`: nothing was done, and the server takes no work now; again in a while.
 * - `unknown`: nobody knows whether it was done, or will be.
 * - `own fault`: nothing was done, and nothing ever will be: the request is wrong.
 */
export type Failure = "raced" | "refused" | "unknown" | "own fault";
