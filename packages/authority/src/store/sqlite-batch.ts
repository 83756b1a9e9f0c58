import type { SQLOutputValue } from "node:sqlite";

/** A swap or take. A take has no text, and expects no version where any will do. */
export type Operation = readonly [
  key: string,
  expectedVersion: number | null,
  version: number | null,
  owner: string | null,
  expiresAt: number | null,
  text: string | null,
];

/** What an operation consists of. */
export type Cell = Operation[number];

/** How many cells an operation takes. */
export const cellsPerOperation = 6 satisfies Operation["length"];

/**
 * To the writer: operations to commit together, judged at `now`. They lie flat in one array, because structured
 * cloning charges for each object.
 */
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
