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

/**
 * To the writer: operations that wait for a commit, judged at `now`. They are packed into one text, because one long
 * text crosses to another thread for much less than many short ones.
 */
export interface Batch {
  readonly now: number;
  readonly operations: string;
}

/** From the writer, when it has opened the file. */
export const ready = "ready";

/** From the writer, for each commit: what became of its operations, durably; or why it failed, its effect then unknown. */
export type Reply = { readonly count: number; readonly durationMs: number } & (
  | { readonly outcomes: readonly Outcome[] }
  | { readonly failure: string }
);

/** Whether a swap wrote; the row that a take removed, or false; or, as text, why this one statement failed. */
export type Outcome = boolean | Row | string;

/** version, owner, expires_at, value: as the statements of writer and reader select them. */
export type Row = readonly SQLOutputValue[];

/** The columns of a `Row`. */
export const rowColumns = "version, owner, expires_at, value";

/** Three numbers and the lengths of three texts, which follow: no character of theirs can be taken for a border. */
export function packOperations(operations: readonly Operation[]): string {
  let packed = "";
  for (const [key, expected, version, owner, expiresAt, text] of operations) {
    const head = [expected, version, expiresAt, key.length, owner?.length, text?.length].join(",");
    packed += `${head};${key}${owner ?? ""}${text ?? ""}`;
  }
  return packed;
}

/** What `packOperations` packed. */
export function unpackOperations(packed: string): readonly Operation[] {
  const operations: Operation[] = [];
  for (let at = 0; at < packed.length; ) {
    const end = packed.indexOf(";", at);
    const [expected, version, expiresAt, keyLength, ownerLength, textLength] = packed
      .slice(at, end)
      .split(",")
      .map(cell);
    const keyAt = end + 1;
    const ownerAt = keyAt + (keyLength ?? 0);
    const textAt = ownerAt + (ownerLength ?? 0);
    at = textAt + (textLength ?? 0);
    operations.push([
      packed.slice(keyAt, ownerAt),
      expected ?? null,
      version ?? null,
      ownerLength === undefined ? null : packed.slice(ownerAt, textAt),
      expiresAt ?? null,
      textLength === undefined ? null : packed.slice(textAt, at),
    ]);
  }
  return operations;
}

function cell(text: string): number | undefined {
  return text === "" ? undefined : Number(text);
}
