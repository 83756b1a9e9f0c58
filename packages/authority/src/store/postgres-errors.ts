import type { Failure } from "./store-failure.ts";

/** A failure to connect: no statement was sent. */
export class NoConnection extends Error {
  override readonly name = "NoConnection";
}

/** A commit that a standby may not have: the server gave up waiting for it, and says that by a warning alone. */
export class NotReplicated extends Error {
  override readonly name = "NotReplicated";
}

/** SQLSTATEs and their classes, the longer one first (PostgreSQL documentation, appendix A). */
const failures: readonly (readonly [string, Failure])[] = [
  ["40003", "unknown"], // statement_completion_unknown
  ["57P01", "unknown"], // admin_shutdown
  ["57P02", "unknown"], // crash_shutdown
  ["57P03", "unknown"], // cannot_connect_now
  ["08", "unknown"], // connection exceptions
  ["40001", "raced"], // serialization_failure
  ["40P01", "raced"], // deadlock_detected
  ["23505", "raced"], // unique_violation: two creators of one key
  ["25006", "refused"], // read_only_sql_transaction: this is no primary, or no longer
  ["55P03", "refused"], // lock_not_available
  ["57014", "refused"], // query_canceled
  ["26000", "refused"], // invalid_sql_statement_name: a pooler without pooler=transaction
  ["42P05", "refused"], // duplicate_prepared_statement: the same
  ["53", "refused"], // insufficient resources: disk full, too many connections
  ["58", "refused"], // system errors: I/O
  ["XX", "refused"], // internal errors
];

/** The SQLSTATE of an error of the server; `undefined` where the connection failed. */
export function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("severity" in error)) return undefined;
  return String(error.code);
}

/** What a failed statement means. Without an SQLSTATE nobody knows what became of a statement that was sent. */
export function failureOf(error: unknown): Failure {
  if (error instanceof NoConnection) return "refused";
  const state = sqlStateOf(error);
  if (state === undefined) return "unknown";
  return failures.find(([prefix]) => state.startsWith(prefix))?.[1] ?? "own fault";
}

/** Whether a connection on which a statement failed is good for another: it must be in step, and lead to a primary. */
export function isReusable(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== undefined && state !== "25006" && !/^(?:08|25|57P|58|XX)/.test(state);
}
