import { wrongArgument } from "../arguments.ts";
import { PublicKey } from "../crypto/keys.ts";
import { type TermInput, toTerm } from "../datalog/javascript-values.ts";
import type { AuthorizerContent, Expression, Op, Predicate, Rule, Scope } from "../datalog/model.ts";
import {
  checkedSet,
  isMapKey,
  type MapKey,
  makeMap,
  makeSet,
  Parameter,
  type Term,
  TermMap,
  TermSet,
} from "../datalog/term.ts";
import { DatalogError } from "../errors.ts";

/** Values for the parameters `{name}` of Datalog text: terms, and public keys for `trusting {name}`. */
export type Parameters = Readonly<Record<string, TermInput | PublicKey>>;

/** Parameters by their names. @throws {UsageError} for what is no object of them. */
export function parameterMap(parameters: Parameters): ReadonlyMap<string, TermInput | PublicKey> {
  if (typeof parameters === "object" && parameters !== null) return new Map(Object.entries(parameters));
  throw wrongArgument("a block or an authorizer", "an object of parameters: { name: value }", parameters);
}

/** Puts values in the place of parameters, in the tree and not in the text, so that no value can become syntax. */
class Substitution {
  readonly #values: ReadonlyMap<string, TermInput | PublicKey>;
  readonly #used = new Set<string>();

  constructor(values: ReadonlyMap<string, TermInput | PublicKey>) {
    this.#values = values;
  }

  /** @throws {DatalogError} code `unused_parameter`. */
  checkAllUsed(): void {
    for (const name of this.#values.keys()) {
      if (!this.#used.has(name)) {
        throw new DatalogError("unused_parameter", `Cannot find a place for the parameter ${describe(name)}`);
      }
    }
  }

  #value(name: string): TermInput | PublicKey {
    const value = this.#values.get(name);
    if (value === undefined) {
      throw new DatalogError("missing_parameter", `Cannot find a value for the parameter ${describe(name)}`);
    }
    this.#used.add(name);
    return value;
  }

  #parameterTerm(name: string): Term {
    const value = this.#value(name);
    if (value instanceof PublicKey) {
      throw new DatalogError("invalid_value", `Cannot use a public key as a term: ${describe(name)}`);
    }
    return toTerm(value);
  }

  term(term: Term): Term {
    if (term instanceof Parameter) return this.#parameterTerm(term.name);
    if (term instanceof TermSet) return checkedSet(makeSet(term.items.map((item) => this.term(item))));
    if (term instanceof TermMap) {
      return makeMap(term.entries.map(([key, value]) => [this.#mapKey(key), this.term(value)] as const));
    }
    return Array.isArray(term) ? term.map((item) => this.term(item)) : term;
  }

  #mapKey(key: MapKey): MapKey {
    if (!(key instanceof Parameter)) return key;
    const value = this.#parameterTerm(key.name);
    if (isMapKey(value)) return value;
    throw new DatalogError("invalid_value", `Cannot use this parameter as the key of a map: ${describe(key.name)}`);
  }

  predicate(predicate: Predicate): Predicate {
    return { name: predicate.name, terms: predicate.terms.map((term) => this.term(term)) };
  }

  #op(op: Op): Op {
    if (op.kind === "value") return { ...op, term: this.term(op.term) };
    return op.kind === "closure" ? { ...op, ops: this.#ops(op.ops) } : op;
  }

  #ops(ops: Expression): Op[] {
    return ops.map((op) => this.#op(op));
  }

  #scope(scope: Scope): Scope {
    if (!(scope instanceof Parameter)) return scope;
    const value = this.#value(scope.name);
    if (!(value instanceof PublicKey)) {
      throw new DatalogError("invalid_value", `Cannot trust what is no public key: ${describe(scope.name)}`);
    }
    return { key: value.toString() };
  }

  scopes(scopes: readonly Scope[]): Scope[] {
    return scopes.map((scope) => this.#scope(scope));
  }

  rule(rule: Rule): Rule {
    return {
      head: this.predicate(rule.head),
      body: rule.body.map((predicate) => this.predicate(predicate)),
      expressions: rule.expressions.map((expression) => this.#ops(expression)),
      scopes: this.scopes(rule.scopes),
    };
  }
}

function describe(name: string): string {
  return name.startsWith("\0") ? `number ${Number(name.slice(1)) + 1} of the template` : `{${name}}`;
}

/**
 * Fills the parameters of parsed text.
 *
 * @throws {DatalogError} `missing_parameter`, `unused_parameter` or `invalid_value`.
 */
export function fillParameters(
  content: AuthorizerContent,
  values: ReadonlyMap<string, TermInput | PublicKey>,
): AuthorizerContent {
  const substitution = new Substitution(values);
  const rules = (unfilled: readonly Rule[]): Rule[] => unfilled.map((rule) => substitution.rule(rule));
  const filled: AuthorizerContent = {
    facts: content.facts.map((fact) => substitution.predicate(fact)),
    rules: rules(content.rules),
    checks: content.checks.map((check) => ({ ...check, queries: rules(check.queries) })),
    policies: content.policies.map((policy) => ({ ...policy, queries: rules(policy.queries) })),
    scopes: substitution.scopes(content.scopes),
    context: content.context,
  };
  substitution.checkAllUsed();
  return filled;
}

/** Fills the parameters of one rule. */
export function fillRule(rule: Rule, values: ReadonlyMap<string, TermInput | PublicKey>): Rule {
  const substitution = new Substitution(values);
  const filled = substitution.rule(rule);
  substitution.checkAllUsed();
  return filled;
}
