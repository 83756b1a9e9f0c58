/** How far the clocks of nodes on one store may be apart: what is dated further ahead was written by a clock put back since. */
export const clockSkewMs = 60_000;
