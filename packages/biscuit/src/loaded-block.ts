import { type CompiledFact, type CompiledRule, compileFact, compileRule } from "./datalog/compile.ts";
import type { BlockContent, Check, Policy, Rule, Scope } from "./datalog/model.ts";
import { AuthorizationError } from "./errors.ts";
import { printRule } from "./text/printer.ts";

/** A check with its queries ready to run. */
export interface CompiledCheck {
  readonly source: Check;
  readonly queries: readonly CompiledRule[];
}

/** A policy with its queries ready to run. */
export interface CompiledPolicy {
  readonly source: Policy;
  readonly queries: readonly CompiledRule[];
}

/** The content of a block made ready to run; it depends on the block alone and serves every evaluation of it. */
export interface CompiledBlock {
  readonly facts: readonly CompiledFact[];
  readonly rules: readonly CompiledRule[];
  readonly checks: readonly CompiledCheck[];
  readonly scopes: readonly Scope[];
  readonly context: string | undefined;
  /** The first rule whose head can never be filled; a token with one is refused. */
  readonly invalidRule: Rule | undefined;
}

/** Compiles the content of a block. */
export function compileBlock(content: BlockContent): CompiledBlock {
  const rules = content.rules.map(compileRule);
  return {
    facts: content.facts.map(compileFact),
    rules,
    checks: content.checks.map((source) => ({ source, queries: source.queries.map(compileRule) })),
    scopes: content.scopes,
    context: content.context,
    invalidRule: rules.find(({ head }) => head === undefined)?.source,
  };
}

/** The content that a block was compiled from, with sets and maps in text order. */
export function contentOf({ facts, rules, checks, scopes, context }: CompiledBlock): BlockContent {
  return {
    facts: facts.map(({ fact }) => fact),
    rules: rules.map(({ source }) => source),
    checks: checks.map(({ source }) => source),
    scopes,
    context,
  };
}

/** Compiles a policy. */
export function compilePolicy(source: Policy): CompiledPolicy {
  return { source, queries: source.queries.map(compileRule) };
}

/** The error for a rule whose head can never be filled; the reference gives the index 0 whatever the block. */
export function invalidRuleError(rule: Rule): AuthorizationError {
  const text = printRule(rule);
  const message = `Cannot run a rule that leaves a variable unbound: ${text}`;
  return new AuthorizationError("invalid_block_rule", message, [0, text]);
}
