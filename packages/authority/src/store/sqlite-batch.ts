import type { SQLOutputValue } from "node:sqlite";

/** What crosses between the threads: flat arrays of primitives, because structured cloning charges for each object. */
export type Cell = string | number | null;

/**
 * How many cells an operation takes: key, expected version, new version, owner, expiry, value as JSON text.
 * A take has no text, and expects 0 where any version will do.
 */
export const cellsPerOperation = 6;

/** To the writer: operations to commit together, judged at `now`. */
export interface Batch {
  readonly now: number;
  readonly operations: readonly Cell[];
}

/** From the writer: what became of each operation, durably; or why the commit failed, its effect then unknown. */
export type Reply = { readonly outcomes: readonly Outcome[] } | { readonly failure: string };

/** Whether a swap wrote; the row that a take removed, or false; or, as text, why this one statement failed. */
export type Outcome = boolean | Row | string;

/** version, owner, expires_at, value: as the statements of writer and reader select them. */
export type Row = readonly SQLOutputValue[];

/** The columns of a `Row`. */
export const rowColumns = "version, owner, expires_at, value";
