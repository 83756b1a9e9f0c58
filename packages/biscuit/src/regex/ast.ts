import type { CharSet } from "./char-set.ts";
import { invalid } from "./cursor.ts";
import type { LookName } from "./look.ts";

interface Measured {
  /** How deeply expressions are nested, counted as Rust's `regex-syntax` does; single characters have none. */
  readonly depth: number;
  /** How many instructions the expression compiles to. */
  readonly size: number;
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
const LEAF = { depth: 0, size: 1, empty: false };

function nested(depth: number): number {
  if (depth > NEST_LIMIT) throw invalid("nested too deeply");
  return depth;
}

function deepest(parts: readonly Node[]): number {
  return parts.reduce((depth, part) => Math.max(depth, part.depth), 0);
}

function totalSize(parts: readonly Node[]): number {
  return parts.reduce((size, part) => size + part.size, 0);
}

export const NOTHING: Node = { kind: "nothing", depth: 0, size: 0, empty: true };

export function characterNode(code: number): Node {
  return { kind: "character", code, ...LEAF };
}

export function setNode(set: CharSet, depth = 0): Node {
  return { kind: "set", set, ...LEAF, depth: nested(depth) };
}

export function lookNode(look: LookName): Node {
  return { kind: "look", look, ...LEAF, empty: true };
}

export function groupNode(body: Node): Node {
  return { kind: "group", body, depth: nested(body.depth + 1), size: body.size, empty: body.empty };
}

export function sequenceNode(parts: readonly Node[]): Node {
  const [only = NOTHING] = parts;
  if (parts.length < 2) return only;
  const empty = parts.every((part) => part.empty);
  return { kind: "sequence", parts, depth: nested(deepest(parts) + 1), size: totalSize(parts), empty };
}

export function choiceNode(parts: readonly Node[]): Node {
  const empty = parts.every((part) => part.empty);
  const size = totalSize(parts) + 2 * (parts.length - 1);
  return { kind: "choice", parts, depth: nested(deepest(parts) + 1), size, empty };
}

/** `body` at least `min` and at most `max` times; `max` may be infinite. */
export function repetitionNode(body: Node, min: number, max: number): Node {
  // What can only match the empty string matches it once or not at all, however large the counts.
  const [least, most] = body.empty ? [Math.min(min, 1), Math.min(max, 1)] : [min, max];
  const optional =
    most === Number.POSITIVE_INFINITY ? (least === 0 ? body.size + 2 : 1) : (most - least) * (body.size + 1);
  return {
    kind: "repetition",
    body,
    min: least,
    max: most,
    depth: nested(body.depth + 1),
    size: least * body.size + optional,
    empty: body.empty || most === 0,
  };
}
