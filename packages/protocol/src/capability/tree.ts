import { type Biscuit, type BlockContent, type Op, type Predicate, type Rule, Variable } from "@countersign/biscuit";

/** A block of a token as a tree, made from the block's own symbols, with the key of the third party that signed it. */
export interface BlockTree extends BlockContent {
  readonly externalKey: string | undefined;
}

const known = new WeakMap<Biscuit, readonly BlockTree[]>();

/** The blocks of a token as trees. Printed source is for people: it does not escape what a string holds. */
export function blockTrees(token: Biscuit): readonly BlockTree[] {
  const trees =
    known.get(token) ??
    token.blocks.map(({ content, externalKey }) => ({ ...content, externalKey: externalKey?.toString() }));
  known.set(token, trees);
  return trees;
}

/** The name of a variable, or `undefined` for other terms. */
export function variableOf(term: unknown): string | undefined {
  return term instanceof Variable ? term.name : undefined;
}

/** The variable of a body that is one predicate of one variable, as in `check if actor($a)`. */
export function onlyVariable({ body: [predicate, ...others] }: Rule, name: string): string | undefined {
  if (predicate?.name !== name || others.length > 0 || predicate.terms.length !== 1) return undefined;
  return variableOf(predicate.terms[0]);
}

/** The terms of a body that is one predicate and nothing else. */
export function onlyTerms(
  { body: [predicate, ...others], expressions }: Rule,
  name: string,
): readonly unknown[] | undefined {
  const isOnly = predicate?.name === name && others.length === 0 && expressions.length === 0;
  return isOnly ? predicate.terms : undefined;
}

/** The key text of a scope that trusts one key and nothing else. */
export function onlyKey({ scopes: [scope, ...others] }: Rule): string | undefined {
  if (scope === undefined || others.length > 0) return undefined;
  return typeof scope === "object" && "key" in scope ? scope.key : undefined;
}

/** The string of an operation that is a string. */
export function stringOf(op: Op | undefined): string | undefined {
  return op?.kind === "value" && typeof op.term === "string" ? op.term : undefined;
}

/** Whether an operation is this variable. */
export function isVariable(op: Op | undefined, name: string): boolean {
  return op?.kind === "value" && variableOf(op.term) === name;
}

/** The strings of the facts of this name that have as many terms, all strings. */
export function stringFacts(facts: readonly Predicate[], name: string, length: number): string[][] {
  return facts.flatMap((fact) => {
    if (fact.name !== name || fact.terms.length !== length) return [];
    const strings = fact.terms.filter((term) => typeof term === "string");
    return strings.length === length ? [strings] : [];
  });
}
