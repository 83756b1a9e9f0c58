import { toHex } from "../crypto/bytes.ts";
import type {
  AuthorizerContent,
  BlockContent,
  Check,
  Expression,
  Op,
  Policy,
  Predicate,
  Rule,
  Scope,
} from "../datalog/model.ts";
import { type MapKey, Parameter, type Term, TermMap, TermSet, Timestamp, Variable } from "../datalog/term.ts";
import { formatDate } from "./date.ts";

/**
 * Prints a term. Strings are printed as the reference prints them, without escapes, so a printed term is for reading;
 * {@link printTerm} with `escape` gives text that parses back.
 */
export interface PrintOptions {
  /** Write `\"`, `\\` and `\n` in strings, so that the text parses back. @default false */
  readonly escape?: boolean;
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n" };

function printString(text: string, options: PrintOptions): string {
  return `"${options.escape === true ? text.replace(/["\\\n]/g, (unit) => ESCAPES[unit] ?? unit) : text}"`;
}

function printKey(key: MapKey, options: PrintOptions): string {
  if (key instanceof Parameter) return `{${key.name}}`;
  return typeof key === "string" ? printString(key, options) : String(key);
}

/** Prints a term as Datalog text. */
export function printTerm(term: Term, options: PrintOptions = {}): string {
  if (typeof term === "string") return printString(term, options);
  if (typeof term !== "object" || term === null) return String(term);
  if (term instanceof Variable) return `$${term.name}`;
  if (term instanceof Parameter) return `{${term.name}}`;
  if (term instanceof Timestamp) return formatDate(term.seconds);
  if (term instanceof Uint8Array) return `hex:${toHex(term)}`;
  const inner = (item: Term): string => printTerm(item, options);
  if (term instanceof TermSet) return term.items.length === 0 ? "{,}" : `{${term.items.map(inner).join(", ")}}`;
  if (term instanceof TermMap) {
    return `{${term.entries.map(([key, value]) => `${printKey(key, options)}: ${inner(value)}`).join(", ")}}`;
  }
  return `[${term.map(inner).join(", ")}]`;
}

/** Prints a fact or a pattern. */
export function printPredicate(predicate: Predicate, options: PrintOptions = {}): string {
  return `${predicate.name}(${predicate.terms.map((term) => printTerm(term, options)).join(", ")})`;
}

function printUnary({ op, extern }: Op & { kind: "unary" }, operand: string): string {
  if (op === "!") return `!${operand}`;
  if (op === "()") return `(${operand})`;
  return `${operand}.${methodName(op, extern)}()`;
}

function printBinary({ op, extern }: Op & { kind: "binary" }, left: string, right: string): string {
  return /^\w/.test(op) ? `${left}.${methodName(op, extern)}(${right})` : `${left} ${op} ${right}`;
}

const methodName = (op: string, extern: string | undefined): string =>
  extern === undefined ? op : `extern::${extern}`;

function printClosure(op: Op & { kind: "closure" }, options: PrintOptions): string | undefined {
  const body = printOps(op.ops, options);
  if (op.params.length === 0 || body === undefined) return body;
  return `${op.params.map((param) => `$${param}`).join(", ")} -> ${body}`;
}

function printOp(op: Op, stack: string[], options: PrintOptions): string | undefined {
  if (op.kind === "value") return printTerm(op.term, options);
  if (op.kind === "closure") return printClosure(op, options);
  const right = stack.pop();
  if (right === undefined) return undefined;
  if (op.kind === "unary") return printUnary(op, right);
  const left = stack.pop();
  return left === undefined ? undefined : printBinary(op, left, right);
}

/** The operations as an expression, or `undefined` when they form none. */
function printOps(ops: Expression, options: PrintOptions): string | undefined {
  const stack: string[] = [];
  for (const op of ops) {
    const text = printOp(op, stack, options);
    if (text === undefined) return undefined;
    stack.push(text);
  }
  return stack.length === 1 ? stack[0] : undefined;
}

/** Prints an expression; operations that form none are named so. */
function printExpression(expression: Expression, options: PrintOptions): string {
  return printOps(expression, options) ?? "<invalid expression>";
}

function printScope(scope: Scope): string {
  if (typeof scope === "string") return scope;
  return scope instanceof Parameter ? `{${scope.name}}` : scope.key;
}

/** Prints a `trusting` clause without its keyword. */
function printScopes(scopes: readonly Scope[]): string {
  return scopes.map(printScope).join(", ");
}

function printBody(rule: Rule, options: PrintOptions): string {
  const parts = [
    ...rule.body.map((predicate) => printPredicate(predicate, options)),
    ...rule.expressions.map((expression) => printExpression(expression, options)),
  ];
  const trusting = rule.scopes.length === 0 ? "" : ` trusting ${printScopes(rule.scopes)}`;
  return parts.join(", ") + trusting;
}

/** Prints a rule. */
export function printRule(rule: Rule, options: PrintOptions = {}): string {
  return `${printPredicate(rule.head, options)} <- ${printBody(rule, options)}`;
}

const printQueries = (queries: readonly Rule[], options: PrintOptions): string =>
  queries.map((query) => printBody(query, options)).join(" or ");

/** Prints a check. */
export function printCheck(check: Check, options: PrintOptions = {}): string {
  return `${check.kind} ${printQueries(check.queries, options)}`;
}

/** Prints a policy. */
export function printPolicy(policy: Policy, options: PrintOptions = {}): string {
  return `${policy.kind} if ${printQueries(policy.queries, options)}`;
}

/** Prints a block, one statement a line. */
export function printBlock(block: BlockContent, options: PrintOptions = {}): string {
  const lines = [
    ...(block.scopes.length === 0 ? [] : [`trusting ${printScopes(block.scopes)}`]),
    ...block.facts.map((fact) => printPredicate(fact, options)),
    ...block.rules.map((rule) => printRule(rule, options)),
    ...block.checks.map((check) => printCheck(check, options)),
  ];
  return lines.map((line) => `${line};\n`).join("");
}

/** Prints an authorizer, one statement a line. */
export function printAuthorizer(content: AuthorizerContent, options: PrintOptions = {}): string {
  const policies = content.policies.map((policy) => `${printPolicy(policy, options)};\n`);
  return printBlock(content, options) + policies.join("");
}
