import type { SQLOutputValue } from "node:sqlite";

/**
 * What is done with one key: a draft is written, an item removed or guarded at the version expected; an item is taken,
 * whatever its version where none is expected; or a commit is noted under its id, and left undone when it is noted already.
 */
export type OperationKind = "write" | "remove" | "guard" | "take" | "note";

/** One operation. Only a write has an owner, and a text. */
export type Operation = readonly [
  kind: OperationKind,
  key: string,
  expectedVersion: number | null,
  owner: string | null,
  expiresAt: number | null,
  text: string | null,
];

/** Operations that are done together or not at all: a commit of the port. */
export type Unit = readonly Operation[];

/**
 * To the writer: units that wait for a transaction, judged at `now`. They are packed into one text, because one long
 * text crosses to another thread for much less than many short ones.
 */
export interface Batch {
  readonly now: number;
  readonly units: string;
}

/** From the writer, when it has opened the file. */
export const READY = "ready";

/** From the writer, when it has closed the file: what it has put of the log into it. */
export type Folding = (typeof foldings)[number];
export const foldings = ["all folded", "kept by another program"] as const;

/**
 * From the writer, for each transaction: how many units and operations it had, and what became of each unit, durably; or
 * why it failed, its effect then unknown.
 */
export type Reply = { readonly units: number; readonly operations: number; readonly durationMs: number } & (
  | { readonly outcomes: readonly Outcome[] }
  | { readonly failure: string }
);

/**
 * The version that a unit wrote; or, below zero, which of its operations found another version than expected: -1 for the
 * first; the row that a take removed; or, as text, why a statement failed.
 */
export type Outcome = number | Row | string;

/** version, owner, expires_at, value: as the statements of writer and reader select them. */
export type Row = readonly SQLOutputValue[];

/** The columns of a `Row`. */
export const ROW_COLUMNS = "version, owner, expires_at, value";

const kinds: readonly OperationKind[] = ["write", "remove", "guard", "take", "note"];

/** Six numbers, of which three are the lengths of texts, which follow: so no character in them can end one early. */
export function packUnits(units: readonly Unit[]): string {
  let packed = "";
  for (const unit of units) {
    let rest = unit.length;
    for (const [kind, key, expected, owner, expiresAt, text] of unit) {
      const head = [--rest, kinds.indexOf(kind), expected, expiresAt, key.length, owner?.length, text?.length].join(
        ",",
      );
      packed += `${head};${key}${owner ?? ""}${text ?? ""}`;
    }
  }
  return packed;
}

/** What `packUnits` packed. */
export function unpackUnits(packed: string): readonly Unit[] {
  const units: Unit[] = [];
  let unit: Operation[] = [];
  for (let at = 0; at < packed.length; ) {
    const end = packed.indexOf(";", at);
    const [rest, kind = 0, expected, expiresAt, keyLength = 0, ownerLength, textLength] = packed
      .slice(at, end)
      .split(",")
      .map(cell);
    const keyAt = end + 1;
    const ownerAt = keyAt + keyLength;
    const textAt = ownerAt + (ownerLength ?? 0);
    at = textAt + (textLength ?? 0);
    unit.push([
      kinds[kind] ?? "guard",
      packed.slice(keyAt, ownerAt),
      expected ?? null,
      ownerLength === undefined ? null : packed.slice(ownerAt, textAt),
      expiresAt ?? null,
      textLength === undefined ? null : packed.slice(textAt, at),
    ]);
    if (rest !== 0) continue;
    units.push(unit);
    unit = [];
  }
  return units;
}

function cell(text: string): number | undefined {
  return text === "" ? undefined : Number(text);
}
