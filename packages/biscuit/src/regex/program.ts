import type { Node } from "./ast.ts";
import type { CharSet } from "./char-set.ts";
import { LOOKS, type Look } from "./look.ts";

/** One instruction of a non-deterministic automaton; targets are indexes of instructions. */
export type Instruction =
  | { readonly kind: "character"; readonly code: number }
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "look"; readonly look: Look }
  | Readonly<Split>
  | Readonly<Jump>
  | { readonly kind: "match" };

interface Split {
  readonly kind: "split";
  first: number;
  second: number;
}

interface Jump {
  readonly kind: "jump";
  target: number;
}

/** Compiles an expression by Thompson's construction; execution starts at instruction 0. */
export function compileProgram(node: Node): Instruction[] {
  const program: Instruction[] = [];
  emit(node, program);
  program.push({ kind: "match" });
  return program;
}

// Recursion is bounded by the nesting limit of the parser, 250.
function emit(node: Node, program: Instruction[]): void {
  switch (node.kind) {
    case "nothing":
      return;
    case "character":
    case "set":
      program.push(node);
      return;
    case "look":
      program.push({ kind: "look", look: LOOKS[node.look] });
      return;
    case "group":
      emit(node.body, program);
      return;
    case "sequence":
      for (const part of node.parts) emit(part, program);
      return;
    case "choice":
      emitChoice(node.parts, program);
      return;
    case "repetition":
      emitRepetition(node.body, node.min, node.max, program);
  }
}

function emitChoice(parts: readonly Node[], program: Instruction[]): void {
  const jumps: Jump[] = [];
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1) {
      emit(part, program);
      break;
    }
    const split = emitSplit(program);
    emit(part, program);
    const jump: Jump = { kind: "jump", target: 0 };
    program.push(jump);
    jumps.push(jump);
    split.second = program.length;
  }
  for (const jump of jumps) jump.target = program.length;
}

/** Pushes a split whose first way is the next instruction; the caller sets the second. */
function emitSplit(program: Instruction[]): Split {
  const split: Split = { kind: "split", first: program.length + 1, second: 0 };
  program.push(split);
  return split;
}

function emitRepetition(body: Node, min: number, max: number, program: Instruction[]): void {
  let last = program.length;
  for (let i = 0; i < min; i++) {
    last = program.length;
    emit(body, program);
  }
  if (max !== Number.POSITIVE_INFINITY) emitOptional(body, max - min, program);
  else if (min > 0) program.push({ kind: "split", first: last, second: program.length + 1 });
  else emitStar(body, program);
}

function emitStar(body: Node, program: Instruction[]): void {
  const target = program.length;
  const split = emitSplit(program);
  emit(body, program);
  program.push({ kind: "jump", target });
  split.second = program.length;
}

function emitOptional(body: Node, times: number, program: Instruction[]): void {
  const splits: Split[] = [];
  for (let i = 0; i < times; i++) {
    splits.push(emitSplit(program));
    emit(body, program);
  }
  for (const split of splits) split.second = program.length;
}
