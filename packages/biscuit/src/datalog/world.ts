import { LimitError } from "../errors.ts";
import { getOrCreate } from "../get-or-create.ts";
import type { Limits } from "../limits.ts";
import {
  type CompiledFact,
  type CompiledRule,
  type JoinedPattern,
  joinInOrder,
  type Pattern,
  prepareFact,
} from "./compile.ts";
import { evaluate } from "./evaluate.ts";
import { failure } from "./failures.ts";
import { join, type Level } from "./join.ts";
import type { Fact } from "./model.ts";
import type { EvaluationContext } from "./operations.ts";
import { type Origin, unite } from "./origin.ts";
import { Relation, type StoredFact } from "./relation.ts";
import type { Term } from "./term.ts";

/** A rule with where it stands in this world. */
export interface PlacedRule {
  readonly rule: CompiledRule;
  /** What its facts come from, beside what they were derived from. */
  readonly origin: Origin;
  readonly trusted: Origin;
}

/** Entering a term of a fact, with its key, takes about as long as this many join candidates. */
const FACT_COST = 4;

/** Setting up a join takes about as long as this many join candidates for each predicate, and one for each term. */
const JOIN_COST = 4;

const joinCost = (body: readonly Pattern[]): number =>
  body.reduce((cost, { slots }) => cost + JOIN_COST + slots.length, JOIN_COST);

interface PendingFact {
  readonly relation: Relation;
  readonly stored: StoredFact;
}

const fillHead = (head: Pattern, slots: readonly Term[]): Term[] =>
  head.slots.map((slot, i) => (slot >= 0 ? slots[slot] : head.constants[i]) ?? null);

/** The facts of one evaluation, and the rules that add to them. */
export class World {
  readonly context: EvaluationContext;
  readonly #limits: Limits;
  readonly #relations = new Map<string, Relation>();
  /** The keys of the facts of each origin. */
  readonly #known = new Map<Origin, Set<string>>();
  readonly #rules: PlacedRule[] = [];
  #pending: PendingFact[] = [];
  /** The rule, or query, whose expressions were evaluated last. */
  evaluated: CompiledRule | undefined;
  /** The place among them of the one that was evaluated last. */
  expression = 0;
  /** Rounds that added facts. */
  iterations = 0;
  /** The number of facts, the same fact of two origins counted twice. */
  factCount = 0;

  constructor(context: EvaluationContext, limits: Limits) {
    this.context = context;
    this.#limits = limits;
  }

  /** All facts, by relation and then in the order of arrival. */
  get facts(): StoredFact[] {
    return [...this.#relations.values()].flatMap((relation) => relation.facts);
  }

  addRule(rule: PlacedRule): void {
    this.#rules.push(rule);
  }

  /** Adds a fact; one that is there already is left out. */
  addFact(fact: CompiledFact, origin: Origin): void {
    const entry = this.#enter(fact, origin);
    if (entry !== undefined) entry.relation.add(entry.stored);
  }

  #relation(key: string): Relation {
    return getOrCreate(this.#relations, key, () => new Relation());
  }

  #enter({ fact, relation, key, size }: CompiledFact, origin: Origin): PendingFact | undefined {
    this.context.fuel.spend(FACT_COST * size);
    const known = getOrCreate(this.#known, origin, () => new Set<string>());
    if (known.has(key)) return undefined;
    known.add(key);
    this.factCount++;
    return { relation: this.#relation(relation), stored: { fact, terms: fact.terms, origin } };
  }

  /**
   * Applies the rules until they add nothing, looking only at matches with a fact of the round before.
   *
   * @throws {LimitError} `fuel`, `facts` or `iterations`; {@link ExpressionError} when an expression fails.
   */
  run(): void {
    if (this.#rules.length === 0) return;
    for (const placed of this.#rules) this.#derive(placed, this.#levels(placed.rule.body));
    while (this.#merge()) {
      this.iterations++;
      this.#checkGrowth();
      for (const placed of this.#rules) {
        this.context.fuel.spend(1);
        for (let i = 0; i < placed.rule.body.length; i++) this.#deriveFromDelta(placed, i);
      }
    }
  }

  #checkGrowth(): void {
    if (this.iterations >= this.#limits.maxIterations) {
      throw new LimitError(
        "iterations",
        `Cannot apply the rules in fewer rounds than the limit: ${this.#limits.maxIterations}`,
      );
    }
    if (this.factCount >= this.#limits.maxFacts) throw this.#tooManyFacts();
  }

  #tooManyFacts(): LimitError {
    return new LimitError(
      "facts",
      `Cannot hold as many facts as the rules derive; the limit: ${this.#limits.maxFacts}`,
    );
  }

  /** Makes the facts of this round visible; `false` when there are none. */
  #merge(): boolean {
    for (const relation of this.#relations.values()) relation.deltaStart = relation.facts.length;
    const pending = this.#pending;
    this.#pending = [];
    for (const { relation, stored } of pending) relation.add(stored);
    return pending.length > 0;
  }

  /** Every fact for every pattern. */
  #levels(body: readonly JoinedPattern[]): Level[] {
    this.context.fuel.spend(joinCost(body));
    return body.map((pattern) => {
      const relation = this.#relation(pattern.relation);
      return { pattern, relation, start: 0, end: relation.facts.length };
    });
  }

  /** Joins with a new fact at `position`; patterns before it take old facts only, so that no match comes twice. */
  #deriveFromDelta(placed: PlacedRule, position: number): void {
    const { body } = placed.rule;
    const pattern = body[position];
    this.context.fuel.spend(1);
    if (pattern === undefined) return;
    const { deltaStart, facts } = this.#relation(pattern.relation);
    if (deltaStart === facts.length) return;
    const newFirst = joinInOrder([pattern, ...body.filter((_, i) => i !== position)]);
    const levels = this.#levels(newFirst).map((level, i) => {
      if (i === 0) return { ...level, start: deltaStart };
      return i <= position ? { ...level, end: level.relation.deltaStart } : level;
    });
    this.#derive(placed, levels);
  }

  #derive(placed: PlacedRule, levels: readonly Level[]): void {
    const { head } = placed.rule;
    this.#search(placed.rule, levels, placed.trusted, (origin, slots) => {
      if (head === undefined || !this.#holds(placed.rule, slots)) return false;
      const fact = prepareFact({ name: head.name, terms: fillHead(head, slots) }, head.relation);
      const entry = this.#enter(fact, unite(origin, placed.origin));
      if (entry !== undefined) this.#pending.push(entry);
      if (entry !== undefined && this.factCount > this.#limits.maxFacts) throw this.#tooManyFacts();
      return false;
    });
  }

  #search(
    rule: CompiledRule,
    levels: readonly Level[],
    trusted: Origin,
    onMatch: (origin: Origin, slots: Term[]) => boolean,
  ): void {
    const slots = new Array<Term>(rule.slotCount).fill(null);
    if (levels.length === 0) {
      onMatch(0, slots);
      return;
    }
    join(levels, slots, trusted, this.context.fuel, (origin) => onMatch(origin, slots));
  }

  #holds(rule: CompiledRule, slots: Term[]): boolean {
    this.evaluated = rule;
    this.expression = 0;
    for (const steps of rule.expressions) {
      const verdict = evaluate(steps, slots, this.context);
      if (typeof verdict !== "boolean") throw failure.condition(verdict);
      if (!verdict) return false;
      this.expression++;
    }
    return true;
  }

  /** Whether the body matches in at least one way. */
  matches(rule: CompiledRule, trusted: Origin): boolean {
    let found = false;
    this.#search(rule, this.#levels(rule.body), trusted, (_, slots) => {
      // Like the reference: a match that cannot fill the head of its rule is none.
      found = this.#holds(rule, slots) && rule.head !== undefined;
      return found;
    });
    return found;
  }

  /** Whether the predicates match in at least one way, and the expressions hold in each. */
  matchesAll(rule: CompiledRule, trusted: Origin): boolean {
    let verdict = false;
    this.#search(rule, this.#levels(rule.body), trusted, (_, slots) => {
      verdict = this.#holds(rule, slots);
      return !verdict;
    });
    return verdict;
  }

  /** The facts that a rule derives, without adding them; each once. */
  query(rule: CompiledRule, trusted: Origin): Fact[] {
    const facts = new Map<string, Fact>();
    const { head } = rule;
    this.#search(rule, this.#levels(rule.body), trusted, (_, slots) => {
      if (head === undefined || !this.#holds(rule, slots)) return false;
      const found = prepareFact({ name: head.name, terms: fillHead(head, slots) }, head.relation);
      this.context.fuel.spend(FACT_COST * found.size);
      facts.set(found.key, found.fact);
      return false;
    });
    return [...facts.values()];
  }
}
