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
import { Parameter, type Term, TermMap, TermSet, Timestamp, Variable } from "../datalog/term.ts";
import { formatDate } from "./date.ts";

/** Prints a term. Strings are not escaped, as the reference does not escape them: what is printed is for reading. */
export function printTerm(term: Term): string {
  if (typeof term === "string") return `"${term}"`;
  if (typeof term !== "object" || term === null) return String(term);
  if (term instanceof Variable) return `$${term.name}`;
  if (term instanceof Parameter) return `{${term.name}}`;
  if (term instanceof Timestamp) return formatDate(term.seconds);
  if (term instanceof Uint8Array) return `hex:${toHex(term)}`;
  if (term instanceof TermSet) return term.items.length === 0 ? "{,}" : `{${term.items.map(printTerm).join(", ")}}`;
  if (term instanceof TermMap) {
    return `{${term.entries.map(([key, value]) => `${printTerm(key)}: ${printTerm(value)}`).join(", ")}}`;
  }
  return `[${term.map(printTerm).join(", ")}]`;
}

/** Prints a fact or a pattern. */
export function printPredicate(predicate: Predicate): string {
  return `${predicate.name}(${predicate.terms.map(printTerm).join(", ")})`;
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

function printClosure(op: Op & { kind: "closure" }): string | undefined {
  const body = printOps(op.ops);
  if (op.params.length === 0 || body === undefined) return body;
  return `${op.params.map((param) => `$${param}`).join(", ")} -> ${body}`;
}

function printOp(op: Op, stack: string[]): string | undefined {
  if (op.kind === "value") return printTerm(op.term);
  if (op.kind === "closure") return printClosure(op);
  const right = stack.pop();
  if (right === undefined) return undefined;
  if (op.kind === "unary") return printUnary(op, right);
  const left = stack.pop();
  return left === undefined ? undefined : printBinary(op, left, right);
}

/** The operations as an expression, or `undefined` when they form none. */
function printOps(ops: Expression): string | undefined {
  const stack: string[] = [];
  for (const op of ops) {
    const text = printOp(op, stack);
    if (text === undefined) return undefined;
    stack.push(text);
  }
  return stack.length === 1 ? stack[0] : undefined;
}

/** Prints an expression; operations that form none are named so. */
export function printExpression(expression: Expression): string {
  return printOps(expression) ?? "<invalid expression>";
}

function printScope(scope: Scope): string {
  if (typeof scope === "string") return scope;
  return scope instanceof Parameter ? `{${scope.name}}` : scope.key;
}

/** Prints a `trusting` clause without its keyword. */
function printScopes(scopes: readonly Scope[]): string {
  return scopes.map(printScope).join(", ");
}

function printBody(rule: Rule): string {
  const parts = [...rule.body.map(printPredicate), ...rule.expressions.map(printExpression)];
  const trusting = rule.scopes.length === 0 ? "" : ` trusting ${printScopes(rule.scopes)}`;
  return parts.join(", ") + trusting;
}

/** Prints a rule. */
export function printRule(rule: Rule): string {
  return `${printPredicate(rule.head)} <- ${printBody(rule)}`;
}

const printQueries = (queries: readonly Rule[]): string => queries.map(printBody).join(" or ");

/** Prints a check. */
export function printCheck(check: Check): string {
  return `${check.kind} ${printQueries(check.queries)}`;
}

/** Prints a policy. */
export function printPolicy(policy: Policy): string {
  return `${policy.kind} if ${printQueries(policy.queries)}`;
}

/** Prints a block, one statement a line. */
export function printBlock(block: BlockContent): string {
  const lines = [
    ...(block.scopes.length === 0 ? [] : [`trusting ${printScopes(block.scopes)}`]),
    ...block.facts.map(printPredicate),
    ...block.rules.map(printRule),
    ...block.checks.map(printCheck),
  ];
  return lines.map((line) => `${line};\n`).join("");
}

/** Prints an authorizer, one statement a line. */
export function printAuthorizer(content: AuthorizerContent): string {
  const policies = content.policies.map((policy) => `${printPolicy(policy)};\n`);
  return printBlock(content) + policies.join("");
}
