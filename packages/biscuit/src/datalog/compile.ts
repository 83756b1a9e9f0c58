import type { Expression, Fact, Op, Predicate, Rule, Scope } from "./model.ts";
import type { BinaryName, UnaryName } from "./operators.ts";
import { inTextOrder, type Term, termKey, termSize, Variable } from "./term.ts";

/** A step of an expression with its variables resolved to slots. */
export type Step =
  | { readonly kind: "value"; readonly term: Term }
  | { readonly kind: "slot"; readonly slot: number }
  | { readonly kind: "unbound"; readonly name: string }
  | { readonly kind: "unary"; readonly op: UnaryName; readonly extern: string | undefined }
  | { readonly kind: "binary"; readonly op: BinaryName; readonly extern: string | undefined }
  | Closure;

/** A closure: its parameters, if it has any, stand in the slots from `slot` on. */
export class Closure {
  readonly kind = "closure";
  readonly arity: number;
  readonly slot: number;
  readonly steps: readonly Step[];
  /** Whether a parameter has the name of a variable in scope, which is an error once the closure is used. */
  readonly shadows: boolean;

  constructor(arity: number, slot: number, steps: readonly Step[], shadows: boolean) {
    this.arity = arity;
    this.slot = slot;
    this.steps = steps;
    this.shadows = shadows;
  }
}

/** A predicate with its terms split into slots and constants: `slots[i]` is -1 where `constants[i]` stands. */
export interface Pattern {
  readonly name: string;
  /** The name under which facts of this name and arity are kept. */
  readonly relation: string;
  readonly slots: readonly number[];
  readonly constants: readonly Term[];
}

/** A pattern of a body, with what it finds bound when it is joined after those before it. */
export interface JoinedPattern extends Pattern {
  /** The positions whose slot an earlier pattern, or an earlier term here, has filled. */
  readonly isBound: readonly boolean[];
  /** The first position whose term is known before a fact is looked at, or -1. */
  readonly keyPosition: number;
}

/** Works out what each pattern finds bound when they are joined in this order. */
export function joinInOrder(patterns: readonly Pattern[]): JoinedPattern[] {
  const bound = new Set<number>();
  return patterns.map((pattern) => {
    const keyPosition = pattern.slots.findIndex((slot) => slot < 0 || bound.has(slot));
    const isBound = pattern.slots.map((slot) => {
      if (slot < 0 || bound.has(slot)) return true;
      bound.add(slot);
      return false;
    });
    return { ...pattern, isBound, keyPosition };
  });
}

/** A rule made ready to run; it depends on nothing but the rule, so it is kept with the block or the authorizer. */
export interface CompiledRule {
  readonly source: Rule;
  /** `undefined` when the head has a variable that the body does not bind: then a match yields no fact. */
  readonly head: Pattern | undefined;
  readonly body: readonly JoinedPattern[];
  readonly expressions: readonly (readonly Step[])[];
  readonly scopes: readonly Scope[];
  /** The number of slots that body and closures need. */
  readonly slotCount: number;
}

/** A fact made ready to enter a world: its terms in text order, and what names it there. */
export interface CompiledFact {
  readonly fact: Fact;
  readonly relation: string;
  /** A text that equal facts share. */
  readonly key: string;
  /** What entering it costs, in parts; see {@link termSize}. */
  readonly size: number;
}

/** The name under which facts of this name and arity are kept. */
function relationKey(name: string, arity: number): string {
  return `${arity}/${name}`;
}

/** Makes a fact ready; its terms are in text order already. */
export function prepareFact(fact: Fact, relation: string): CompiledFact {
  let key = "";
  let size = 1;
  for (const term of fact.terms) {
    key += termKey(term);
    size += termSize(term);
  }
  return { fact, relation, key: `${relation}(${key}`, size };
}

/** Makes a fact ready to enter any number of worlds. */
export function compileFact({ name, terms }: Fact): CompiledFact {
  return prepareFact({ name, terms: terms.map(inTextOrder) }, relationKey(name, terms.length));
}

type Slots = Map<string, number>;

function compilePattern(predicate: Predicate, slots: Slots): Pattern {
  const places = predicate.terms.map((term) => (term instanceof Variable ? (slots.get(term.name) ?? -1) : -1));
  const relation = relationKey(predicate.name, places.length);
  return { name: predicate.name, relation, slots: places, constants: predicate.terms.map(inTextOrder) };
}

class ExpressionCompiler {
  slotCount: number;

  constructor(slotCount: number) {
    this.slotCount = slotCount;
  }

  steps(ops: Expression, slots: Slots, next: number): Step[] {
    return ops.map((op) => this.#step(op, slots, next));
  }

  #step(op: Op, slots: Slots, next: number): Step {
    if (op.kind === "closure") return this.#closure(op.params, op.ops, slots, next);
    if (op.kind === "unary") return { kind: "unary", op: op.op, extern: op.extern };
    if (op.kind === "binary") return { kind: "binary", op: op.op, extern: op.extern };
    if (!(op.term instanceof Variable)) return { kind: "value", term: inTextOrder(op.term) };
    const slot = slots.get(op.term.name);
    return slot === undefined ? { kind: "unbound", name: op.term.name } : { kind: "slot", slot };
  }

  #closure(params: readonly string[], ops: Expression, slots: Slots, next: number): Closure {
    const shadows = params.some((param) => slots.has(param));
    // No operator runs a closure of several parameters, and a block can declare thousands of them.
    if (params.length > 1) return new Closure(params.length, next, [], shadows);
    // The scope grows by the parameters while the body is compiled, and shrinks again.
    const added = shadows ? [] : params;
    added.forEach((param, i) => {
      slots.set(param, next + i);
    });
    this.slotCount = Math.max(this.slotCount, next + params.length);
    const steps = this.steps(ops, slots, next + params.length);
    for (const param of added) slots.delete(param);
    return new Closure(params.length, next, steps, shadows);
  }
}

/** The variables that the predicates of a body bind, each with its slot. */
function bodySlots(rule: Rule): Slots {
  const slots: Slots = new Map();
  for (const predicate of rule.body) {
    for (const term of predicate.terms) {
      if (term instanceof Variable && !slots.has(term.name)) slots.set(term.name, slots.size);
    }
  }
  return slots;
}

/** The variables of a rule's head and expressions that its body does not bind; what is in closures is judged when used. */
export function unboundVariables(rule: Rule): string[] {
  const slots = bodySlots(rule);
  const values = rule.expressions.flat().flatMap((op) => (op.kind === "value" ? [op.term] : []));
  const terms = [...rule.head.terms, ...values];
  return terms.flatMap((term) => (term instanceof Variable && !slots.has(term.name) ? [term.name] : []));
}

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

/** The parts of an expression, its terms as {@link termSize} counts them. */
export function expressionSize(ops: Expression): number {
  return sum(
    ops.map((op) => {
      if (op.kind === "closure") return op.params.length + expressionSize(op.ops);
      return op.kind === "value" ? termSize(op.term) : 1;
    }),
  );
}

/** The parts of a rule, its terms as {@link termSize} counts them. */
export function ruleSize({ head, body, expressions }: Rule): number {
  const predicates = [head, ...body].map(({ terms }) => sum(terms.map(termSize)));
  return body.length + sum(predicates) + sum(expressions.map(expressionSize));
}

/** Makes a rule, or a query of a check or policy, ready to run. */
export function compileRule(rule: Rule): CompiledRule {
  const slots = bodySlots(rule);
  const bound = slots.size;
  const compiler = new ExpressionCompiler(bound);
  const expressions = rule.expressions.map((expression) => compiler.steps(expression, slots, bound));
  const isBound = rule.head.terms.every((term) => !(term instanceof Variable) || slots.has(term.name));
  return {
    source: rule,
    head: isBound ? compilePattern(rule.head, slots) : undefined,
    body: joinInOrder(rule.body.map((predicate) => compilePattern(predicate, slots))),
    expressions,
    scopes: rule.scopes,
    slotCount: compiler.slotCount,
  };
}
