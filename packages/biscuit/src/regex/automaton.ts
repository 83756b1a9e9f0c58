import type { Fuel } from "../limits.ts";
import { BEYOND, neighbour, START } from "./look.ts";
import type { Instruction } from "./syntax-node.ts";

/** The code that stands for the end of the text. */
const END = -1;

/** How many instruction indexes the cached states may hold together before the cache is emptied. */
const CACHE_LIMIT = 20_000;

/** What each character costs beside the instructions followed for it. */
const CHARACTER_COST = 8;

/** Where the automaton can be between two characters: instructions to go on from, and what the last character was. */
interface State {
  readonly kernel: readonly number[];
  readonly before: number;
  readonly ascii: (Transition | undefined)[];
  readonly other: Map<number, Transition>;
}

/** The result of one character, with the fuel it costs whether it was computed or remembered. */
interface Transition {
  readonly to: State | "match" | "dead";
  readonly cost: number;
}

/**
 * Runs a program over a text, all ways at once: linear in the text, whatever the program.
 *
 * Transitions are remembered, as a deterministic automaton built while it runs, within {@link CACHE_LIMIT}. Each costs
 * the same fuel every time, so that no verdict depends on what ran before.
 */
export class Automaton {
  readonly #program: readonly Instruction[];
  /** The bits of neighbouring characters that any assertion of the program looks at. */
  readonly #sees: number;
  readonly #marks: Uint32Array;
  #generation = 0;
  #states = new Map<string, State>();
  #cached = 0;
  readonly #anchored: boolean;

  constructor(program: readonly Instruction[]) {
    this.#program = program;
    this.#marks = new Uint32Array(program.length);
    this.#sees = program.reduce((bits, step) => (step.kind === "look" ? bits | step.look.sees : bits), 0);
    this.#anchored = this.#isAnchored();
  }

  /** Whether the program matches anywhere in `text`. */
  isMatch(text: string, fuel: Fuel): boolean {
    let state = this.#state([0], BEYOND & this.#sees);
    for (let at = 0; at <= text.length; ) {
      const code = text.codePointAt(at) ?? END;
      const transition = this.#transition(state, code);
      fuel.spend(transition.cost);
      if (transition.to === "match") return true;
      if (transition.to === "dead") return false;
      state = transition.to;
      at += code > 0xffff ? 2 : 1;
    }
    return false;
  }

  #transition(state: State, code: number): Transition {
    const known = code >= 0 && code < 128 ? state.ascii[code] : state.other.get(code);
    if (known !== undefined) return known;
    const transition = this.#step(state, code);
    if (code >= 0 && code < 128) state.ascii[code] = transition;
    else state.other.set(code, transition);
    this.#cached++;
    return transition;
  }

  #step(state: State, code: number): Transition {
    const after = code === END ? BEYOND & this.#sees : neighbour(code, this.#sees);
    const reached = this.#close(state.kernel, state.before, after);
    if (reached.matched) return { to: "match", cost: reached.cost };
    const next: number[] = this.#anchored ? [] : [0];
    let cost = reached.cost;
    for (const at of reached.consuming) {
      const step = this.#program[at];
      if (step?.kind === "set") cost += step.cost;
      if (step !== undefined && consumes(step, code)) next.push(at + 1);
    }
    const dead = code === END || next.length === 0;
    if (dead) return { to: "dead", cost };
    return { to: isState(state, next, after) ? state : this.#state(next, after), cost };
  }

  #state(kernel: readonly number[], before: number): State {
    const id = `${before}:${kernel.join()}`;
    const known = this.#states.get(id);
    if (known !== undefined) return known;
    if (this.#cached > CACHE_LIMIT) {
      this.#states = new Map();
      this.#cached = 0;
    }
    const state: State = { kernel, before, ascii: [], other: new Map() };
    this.#states.set(id, state);
    this.#cached += kernel.length + 1;
    return state;
  }

  /** Follows everything that consumes no character; `cost` counts the instructions seen beside the character itself. */
  #close(kernel: readonly number[], before: number, after: number): Closure {
    this.#generation++;
    const consuming: number[] = [];
    const stack = kernel.slice();
    let cost = CHARACTER_COST;
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (this.#marks[at] === this.#generation) continue;
      this.#marks[at] = this.#generation;
      cost++;
      const step = this.#program[at];
      if (step === undefined || step.kind === "match") return { matched: true, consuming, cost };
      if (step.kind === "jump") stack.push(step.target);
      else if (step.kind === "split") stack.push(step.second, step.first);
      else if (step.kind !== "look") consuming.push(at);
      else if (step.look.holds(before & step.look.sees, after & step.look.sees)) stack.push(at + 1);
    }
    return { matched: false, consuming, cost };
  }

  /** Whether no match can begin after the start of the text: then the search ends as soon as it has lost the match. */
  #isAnchored(): boolean {
    const stack = [0];
    const seen = new Set<number>();
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const step = this.#program[at];
      if (seen.has(at)) continue;
      seen.add(at);
      if (step?.kind === "jump") stack.push(step.target);
      else if (step?.kind === "split") stack.push(step.second, step.first);
      else if (step?.kind !== "look") return false;
      else if (step.look !== START) stack.push(at + 1);
    }
    return true;
  }
}

interface Closure {
  readonly matched: boolean;
  readonly consuming: readonly number[];
  readonly cost: number;
}

/** Most characters lead back to the state they came from; telling so is cheaper than looking the state up. */
function isState(state: State, kernel: readonly number[], before: number): boolean {
  if (state.before !== before || state.kernel.length !== kernel.length) return false;
  for (let i = 0; i < kernel.length; i++) if (kernel[i] !== state.kernel[i]) return false;
  return true;
}

function consumes(step: Instruction, code: number): boolean {
  if (code === END) return false;
  return step.kind === "set" ? step.has(code) : step.kind === "character" && step.code === code;
}
