import { getOrCreate } from "../get-or-create.ts";
import type { Fuel } from "../limits.ts";
import type { Fact } from "./model.ts";
import type { Origin } from "./origin.ts";
import { isPrimitive, type Term, termKey } from "./term.ts";

/** A fact with where it comes from. */
export interface StoredFact {
  readonly fact: Fact;
  readonly terms: readonly Term[];
  readonly origin: Origin;
}

/** Below this many facts a scan is as good as an index. */
const SMALL = 8;
const NOTHING: readonly number[] = [];

/** A look into an index takes about as long as this many join candidates. */
const LOOKUP_COST = 3;

// Distinct terms may share a key: candidates are compared again, so that costs a look and no more.
const indexKey = (term: Term): Term => (isPrimitive(term) ? term : termKey(term));

/** The places of facts by the term that they have at one position. */
type Index = Map<Term, number[]>;

/** The facts of one name and arity, in the order of arrival, with indexes made when they are first asked for. */
export class Relation {
  readonly facts: StoredFact[] = [];
  /** Where the facts of the last round begin. */
  deltaStart = 0;
  #indexes: Map<number, Index> | undefined;

  /** Adds a fact that is not there yet. */
  add(fact: StoredFact): void {
    const at = this.facts.push(fact) - 1;
    if (this.#indexes === undefined) return;
    for (const [position, index] of this.#indexes) enter(index, fact, position, at);
  }

  /** The places of facts with this term at this position, or `undefined` when a scan will do. */
  lookup(position: number, term: Term, fuel: Fuel): readonly number[] | undefined {
    if (this.facts.length <= SMALL) return undefined;
    fuel.spend(LOOKUP_COST);
    this.#indexes ??= new Map();
    const index = getOrCreate(this.#indexes, position, () => {
      fuel.spend(this.facts.length);
      const created: Index = new Map();
      for (const [at, fact] of this.facts.entries()) enter(created, fact, position, at);
      return created;
    });
    return index.get(indexKey(term)) ?? NOTHING;
  }
}

function enter(index: Index, fact: StoredFact, position: number, at: number): void {
  getOrCreate(index, indexKey(fact.terms[position] ?? null), () => []).push(at);
}
