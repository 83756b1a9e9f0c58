import { type CharSet, type Folding, variantsOf } from "./char-set.ts";
import type { Look } from "./look.ts";
import { invalid } from "./pattern-cursor.ts";

/** One instruction of a non-deterministic automaton; targets are indexes of instructions. */
export type Instruction =
  | { readonly kind: "character"; readonly code: number }
  | { readonly kind: "set"; readonly has: (code: number) => boolean; readonly cost: number }
  | { readonly kind: "look"; readonly look: Look }
  | { readonly kind: "split"; readonly first: number; second: number }
  | { readonly kind: "jump"; target: number }
  | { readonly kind: "match" };

/** A parsed expression, which can write itself as instructions (Thompson's construction) any number of times. */
export interface Node {
  /** How deeply expressions are nested, counted as Rust's `regex-syntax` does; single characters have none. */
  readonly depth: number;
  /** How many instructions the expression compiles to. */
  readonly size: number;
  /** About how many bytes Rust's engine needs for it, which has a limit on that. */
  readonly weight: number;
  /** Whether it can only match the empty string. */
  readonly empty: boolean;
  readonly emit: (program: Instruction[]) => void;
}

const NEST_LIMIT = 250;

// Measured on the reference implementation: bytes per state, per group that captures, and per branch.
const STATE = 16;
const CAPTURE = 32;
const BRANCH = 24;

/** What finding the variants of a character costs, in fuel. */
export const FOLDING_COST = 30;

function limited(node: Node): Node {
  if (node.depth > NEST_LIMIT) throw invalid();
  return node;
}

function single(instruction: Instruction, weight: number, depth = 0): Node {
  return limited({ depth, size: 1, weight, empty: false, emit: (program) => program.push(instruction) });
}

const utf8Length = (code: number): number => (code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);

export const NOTHING: Node = { depth: 0, size: 0, weight: 0, empty: true, emit: () => {} };

export function characterNode(code: number): Node {
  return single({ kind: "character", code }, STATE * utf8Length(code));
}

export function setNode({ holds, cost, weight }: CharSet, folding: Folding, depth = 0): Node {
  const has = (code: number): boolean => holds(variantsOf(code, folding));
  return single({ kind: "set", has, cost: folding === "none" ? cost : cost + FOLDING_COST }, weight, depth);
}

export function lookNode(look: Look): Node {
  return { ...single({ kind: "look", look }, STATE), empty: true };
}

export function groupNode(body: Node, captures: boolean): Node {
  return limited({ ...body, depth: body.depth + 1, weight: body.weight + (captures ? CAPTURE : 0) });
}

function joined(parts: readonly Node[], branches: number, emit: Node["emit"]): Node {
  const sum = (measure: "size" | "weight"): number => parts.reduce((total, part) => total + part[measure], 0);
  return limited({
    depth: 1 + parts.reduce((depth, part) => Math.max(depth, part.depth), 0),
    size: sum("size") + 2 * branches,
    weight: sum("weight") + BRANCH * branches,
    empty: parts.every((part) => part.empty),
    emit,
  });
}

export function sequenceNode(parts: readonly Node[]): Node {
  const [only = NOTHING] = parts;
  if (parts.length < 2) return only;
  return joined(parts, 0, (program) => {
    for (const part of parts) part.emit(program);
  });
}

/** Writes a split whose first way is what `emit` writes, and whose second goes on behind it. */
function emitSplit(program: Instruction[], emit: () => void): void {
  const split = { kind: "split" as const, first: program.length + 1, second: 0 };
  program.push(split);
  emit();
  split.second = program.length;
}

/** Any of two parts or more. */
export function choiceNode(parts: readonly Node[]): Node {
  return joined(parts, parts.length - 1, (program) => {
    const jumps: { kind: "jump"; target: number }[] = [];
    for (const part of parts.slice(0, -1)) {
      emitSplit(program, () => {
        part.emit(program);
        const jump = { kind: "jump" as const, target: 0 };
        program.push(jump);
        jumps.push(jump);
      });
    }
    parts.at(-1)?.emit(program);
    for (const jump of jumps) jump.target = program.length;
  });
}

/** `body` repeated from `minCount` to `maxCount` times; `maxCount` may be infinite. */
export function repetitionNode(body: Node, minCount: number, maxCount: number): Node {
  // What can only match the empty string matches it once or not at all, however large the counts.
  const [min, max] = body.empty ? [Math.min(minCount, 1), Math.min(maxCount, 1)] : [minCount, maxCount];
  const endless = max === Number.POSITIVE_INFINITY;
  const copies = endless ? Math.max(min, 1) : max;
  const branches = endless ? 2 : max - min;
  return limited({
    depth: body.depth + 1,
    size: copies * body.size + branches,
    weight: copies * body.weight + branches * BRANCH,
    empty: body.empty || max === 0,
    emit(program) {
      let last = program.length;
      for (let i = 0; i < min; i++) {
        last = program.length;
        body.emit(program);
      }
      if (!endless) emitOptional(body, max - min, program);
      else if (min > 0) program.push({ kind: "split", first: last, second: program.length + 1 });
      else {
        emitSplit(program, () => {
          body.emit(program);
          program.push({ kind: "jump", target: last });
        });
      }
    },
  });
}

/** Each copy may be the last: all go on behind the last one. */
function emitOptional(body: Node, times: number, program: Instruction[]): void {
  const splits: { kind: "split"; first: number; second: number }[] = [];
  for (let i = 0; i < times; i++) {
    const split = { kind: "split" as const, first: program.length + 1, second: 0 };
    program.push(split);
    splits.push(split);
    body.emit(program);
  }
  for (const split of splits) split.second = program.length;
}
