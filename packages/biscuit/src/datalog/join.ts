import type { Fuel } from "../limits.ts";
import type { JoinedPattern } from "./compile.ts";
import { isTrusted, type Origin, unite } from "./origin.ts";
import type { Relation, StoredFact } from "./relation.ts";
import { equalTerms, isPrimitive, type Term, termSize } from "./term.ts";

/** One pattern of a body in the order in which it is joined: where it may look, and for which facts. */
export interface Level {
  readonly pattern: JoinedPattern;
  readonly relation: Relation;
  /** The facts to look at: from `start` up to, not with, `end`. */
  readonly start: number;
  readonly end: number;
}

/** Tells of one match; the slots hold its values. `true` ends the search. */
export type MatchHandler = (origin: Origin) => boolean;

const termAt = (level: Level, position: number, slots: readonly Term[]): Term => {
  const slot = level.pattern.slots[position] ?? -1;
  return (slot >= 0 ? slots[slot] : level.pattern.constants[position]) ?? null;
};

function isSame(left: Term, right: Term, fuel: Fuel): boolean {
  if (left === right) return true;
  if (isPrimitive(left) || isPrimitive(right)) return false;
  fuel.spend(termSize(left) + termSize(right));
  return equalTerms(left, right);
}

function unify(level: Level, fact: StoredFact, slots: Term[], fuel: Fuel): boolean {
  const { isBound, slots: places } = level.pattern;
  for (let i = 0; i < isBound.length; i++) {
    const term = fact.terms[i] ?? null;
    if (isBound[i] === true) {
      if (!isSame(termAt(level, i, slots), term, fuel)) return false;
    } else slots[places[i] ?? 0] = term;
  }
  return true;
}

/** An origin of more blocks than fit in 31 bits takes about as long as two more candidates. */
const wideCost = (origin: Origin): number => (typeof origin === "bigint" ? 2 : 0);

/** A place in the candidates of one level. */
class Cursor {
  #candidates: readonly number[] | undefined;
  #next = 0;
  #end = 0;

  open(level: Level, slots: readonly Term[], fuel: Fuel): void {
    const { keyPosition } = level.pattern;
    this.#candidates =
      keyPosition < 0 ? undefined : level.relation.lookup(keyPosition, termAt(level, keyPosition, slots), fuel);
    this.#next = this.#candidates === undefined ? level.start : 0;
    this.#end = this.#candidates === undefined ? level.end : this.#candidates.length;
  }

  /** The next fact that is trusted and fits; its terms are in the slots. */
  advance(level: Level, slots: Term[], trusted: Origin, fuel: Fuel): StoredFact | undefined {
    const cost = 1 + (level.pattern.slots.length >> 1) + wideCost(trusted);
    while (this.#next < this.#end) {
      fuel.spend(cost);
      const at = this.#candidates === undefined ? this.#next : (this.#candidates[this.#next] ?? 0);
      this.#next++;
      if (at < level.start || at >= level.end) continue;
      const fact = level.relation.facts[at];
      if (fact === undefined) continue;
      fuel.spend(wideCost(fact.origin));
      if (isTrusted(fact.origin, trusted) && unify(level, fact, slots, fuel)) return fact;
    }
    return undefined;
  }
}

/**
 * Finds every way to match the levels, depth first and without recursion, and reports each to `onMatch`.
 *
 * Every candidate fact costs fuel, so that no body can outrun the limit.
 */
export function join(
  levels: readonly Level[],
  slots: Term[],
  trusted: Origin,
  fuel: Fuel,
  onMatch: MatchHandler,
): void {
  const cursors = levels.map(() => new Cursor());
  const origins: Origin[] = [0];
  const last = levels.length - 1;
  let depth = 0;
  let entering = true;
  while (depth >= 0) {
    const level = levels[depth];
    const cursor = cursors[depth];
    if (level === undefined || cursor === undefined) return;
    if (entering) cursor.open(level, slots, fuel);
    const fact = cursor.advance(level, slots, trusted, fuel);
    entering = false;
    if (fact === undefined) {
      depth--;
      continue;
    }
    const origin = unite(origins[depth] ?? 0, fact.origin);
    if (depth === last) {
      if (onMatch(origin)) return;
      continue;
    }
    depth++;
    origins[depth] = origin;
    entering = true;
  }
}
