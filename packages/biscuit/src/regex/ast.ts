import type { CharSet } from "./char-set.ts";
import { invalid } from "./cursor.ts";
import type { LookName } from "./look.ts";

interface Measured {
  /** How deeply expressions are nested, counted as Rust's `regex-syntax` does; single characters have none. */
  readonly depth: number;
  /** How many instructions the expression compiles to. */
  readonly size: number;
  /** About how many bytes Rust's engine needs for it, which has a limit on that. */
  readonly weight: number;
  /** Whether it can only match the empty string. */
  readonly empty: boolean;
}

/** A parsed expression. */
export type Node = Measured &
  (
    | { readonly kind: "nothing" }
    | { readonly kind: "character"; readonly code: number }
    | { readonly kind: "set"; readonly set: CharSet }
    | { readonly kind: "look"; readonly look: LookName }
    | { readonly kind: "group"; readonly body: Node }
    | { readonly kind: "sequence" | "choice"; readonly parts: readonly Node[] }
    | { readonly kind: "repetition"; readonly body: Node; readonly min: number; readonly max: number }
  );

const NEST_LIMIT = 250;

// Measured on the reference implementation: bytes per state, per group that captures, and per branch.
const STATE = 16;
const CAPTURE = 32;
const BRANCH = 24;

function leaf(weight: number, depth = 0) {
  return { depth: nested(depth), size: 1, weight, empty: false } as const;
}

function nested(depth: number): number {
  if (depth > NEST_LIMIT) throw invalid();
  return depth;
}

function deepest(parts: readonly Node[]): number {
  return parts.reduce((depth, part) => Math.max(depth, part.depth), 0);
}

function total(parts: readonly Node[], measure: "size" | "weight"): number {
  return parts.reduce((sum, part) => sum + part[measure], 0);
}

function utf8Length(code: number): number {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

export const NOTHING: Node = { kind: "nothing", depth: 0, size: 0, weight: 0, empty: true };

export function characterNode(code: number): Node {
  return { kind: "character", code, ...leaf(STATE * utf8Length(code)) };
}

export function setNode(set: CharSet, depth = 0): Node {
  return { kind: "set", set, ...leaf(set.weight, depth) };
}

export function lookNode(look: LookName): Node {
  return { kind: "look", look, ...leaf(STATE), empty: true };
}

export function groupNode(body: Node, captures: boolean): Node {
  const { size, empty } = body;
  return {
    kind: "group",
    body,
    depth: nested(body.depth + 1),
    size,
    weight: body.weight + (captures ? CAPTURE : 0),
    empty,
  };
}

export function sequenceNode(parts: readonly Node[]): Node {
  const [only = NOTHING] = parts;
  if (parts.length < 2) return only;
  return {
    kind: "sequence",
    parts,
    depth: nested(deepest(parts) + 1),
    size: total(parts, "size"),
    weight: total(parts, "weight"),
    empty: parts.every((part) => part.empty),
  };
}

export function choiceNode(parts: readonly Node[]): Node {
  const branches = parts.length - 1;
  return {
    kind: "choice",
    parts,
    depth: nested(deepest(parts) + 1),
    size: total(parts, "size") + 2 * branches,
    weight: total(parts, "weight") + BRANCH * branches,
    empty: parts.every((part) => part.empty),
  };
}

/** `body` at least `min` and at most `max` times; `max` may be infinite. */
export function repetitionNode(body: Node, min: number, max: number): Node {
  // What can only match the empty string matches it once or not at all, however large the counts.
  const [least, most] = body.empty ? [Math.min(min, 1), Math.min(max, 1)] : [min, max];
  const copies = most === Number.POSITIVE_INFINITY ? Math.max(least, 1) : most;
  const branches = most === Number.POSITIVE_INFINITY ? 2 : most - least;
  return {
    kind: "repetition",
    body,
    min: least,
    max: most,
    depth: nested(body.depth + 1),
    size: copies * body.size + branches,
    weight: copies * body.weight + branches * BRANCH,
    empty: body.empty || most === 0,
  };
}
