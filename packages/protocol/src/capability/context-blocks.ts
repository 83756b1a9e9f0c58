import { expires, type Statement } from "./statement.ts";

/** What a session was exposed to. */
export interface Exposure {
  /** Of all data that it was exposed to. */
  readonly labels: readonly string[];
  /** Where the data came from. */
  readonly sources: readonly string[];
}

/** The authority block of a context token. */
export function contextStatements(subject: string, expiration: number): Statement[] {
  return [["context({subject});", { subject }], expires(expiration)];
}

const excluded = (label: string): Statement[] => [
  ["reject if exposure({label});", { label }],
  ["exposed_label({label});", { label }],
];

const from = (source: string): Statement => ["exposure_source({source});", { source }];
const at = (now: number): Statement => ["exposure_time({now});", { now }];

/** The authority block of a context that inherits what another was exposed to. */
export function forkStatements(subject: string, inherited: Exposure, now: number, expiration: number): Statement[] {
  const own = contextStatements(subject, expiration);
  if (inherited.labels.length === 0) return own;
  const sources = ["inherited", ...inherited.sources.filter((source) => source !== "inherited")];
  return [...own, ...inherited.labels.flatMap(excluded), ...sources.map(from), at(now)];
}

/** The block by which the issuer records what a session was exposed to. */
export function exposureStatements(source: string, labels: readonly string[], now: number): Statement[] {
  return [from(source), at(now), ...labels.flatMap(excluded)];
}
