/** What a process tells when it is asked to stop. */
export interface FleetCounts {
  calls: number;
  /** Calls that threw. */
  failed: number;
  /** Calls that got an expired token, or one for another audience. */
  wrong: number;
  /** Calls of a keeper that held nothing any more, though the last token was alive: they wait instead of failing. */
  forgotten: number;
  slowestMs: number;
  cacheFailures: number;
  leasesTakenOver: number;
}

/** Before anything was counted. */
export const noCounts: Readonly<FleetCounts> = {
  calls: 0,
  failed: 0,
  wrong: 0,
  forgotten: 0,
  slowestMs: 0,
  cacheFailures: 0,
  leasesTakenOver: 0,
};
