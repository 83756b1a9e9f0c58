import { assertText } from "../arguments.ts";
import { PublicKey } from "../crypto/keys.ts";
import { unboundVariables } from "../datalog/compile.ts";
import type { AuthorizerContent, Check, CheckKind, Fact, Policy, Predicate, Rule, Scope } from "../datalog/model.ts";
import { BiscuitError, DatalogError } from "../errors.ts";
import { Cursor } from "./cursor.ts";
import { parseExpression } from "./expression-parser.ts";
import { parseParameter, parseTerms } from "./term-parser.ts";

/** The length of Datalog text that is parsed, in UTF-16 units. */
const MAX_SOURCE_LENGTH = 1 << 20;

const NAME = /[\w:]+/y;
const PREDICATE = /[\w:]+[ \t\r\n]*\(/y;
const CONDITION = /(check|reject|allow|deny)[ \t\r\n]+(if|all)(?![\w:])/iy;
const TRUSTING = /trusting(?![\w:])/y;
const OR = /or(?![\w:])/iy;
const KEY = /(?:ed25519|secp256r1)\/[0-9a-fA-F]+/y;

/** What was parsed so far. */
interface Draft {
  readonly facts: Fact[];
  readonly rules: Rule[];
  readonly checks: Check[];
  readonly policies: Policy[];
}

function parseAtom(cursor: Cursor, variables: boolean, expectation: string): Predicate {
  const name = cursor.take(NAME)?.[0];
  if (name === undefined) throw cursor.unexpected(expectation);
  cursor.expect("(", `after the name ${name}`);
  return { name, terms: parseTerms(cursor, variables) };
}

function withTerms(cursor: Cursor, start: number, predicate: Predicate): Predicate {
  if (predicate.terms.length > 0) return predicate;
  throw cursor.error(`Expected at least one term in ${predicate.name}()`, start);
}

function parsePredicate(cursor: Cursor, variables: boolean): Predicate {
  const start = cursor.offset;
  return withTerms(cursor, start, parseAtom(cursor, variables, "Expected the name of a fact"));
}

const parseHead = (cursor: Cursor): Predicate =>
  parseAtom(cursor, true, "Expected a fact, a rule, a check or a policy");

function parseKey(cursor: Cursor): Scope | undefined {
  const start = cursor.offset;
  const text = cursor.take(KEY)?.[0];
  if (text === undefined) return undefined;
  try {
    return { key: PublicKey.parse(text.toLowerCase()).toString() };
  } catch (error) {
    throw error instanceof BiscuitError ? cursor.error(error.message, start) : error;
  }
}

function parseScope(cursor: Cursor): Scope {
  cursor.skipSpace();
  if (cursor.take(/authority(?![\w:])/y)) return "authority";
  if (cursor.take(/previous(?![\w:])/y)) return "previous";
  const scope = parseParameter(cursor) ?? parseKey(cursor);
  if (scope === undefined) throw cursor.unexpected("Expected authority, previous or a public key after trusting");
  return scope;
}

function parseScopes(cursor: Cursor): Scope[] {
  const start = cursor.offset;
  cursor.skipSpace();
  if (cursor.take(TRUSTING) === undefined) {
    cursor.offset = start;
    return [];
  }
  const scopes = [parseScope(cursor)];
  while (takeComma(cursor)) scopes.push(parseScope(cursor));
  return scopes;
}

function takeComma(cursor: Cursor): boolean {
  cursor.skipSpace();
  return cursor.takeText(",");
}

function parseBody(cursor: Cursor, head: Predicate): Rule {
  const body: Predicate[] = [];
  const expressions: Rule["expressions"][number][] = [];
  do {
    cursor.skipSpace();
    if (cursor.sees(PREDICATE)) body.push(parsePredicate(cursor, true));
    else expressions.push(parseExpression(cursor));
  } while (takeComma(cursor));
  return { head, body, expressions, scopes: parseScopes(cursor) };
}

const QUERY_HEAD: Predicate = { name: "query", terms: [] };

function parseQueries(cursor: Cursor): Rule[] {
  const queries = [parseBody(cursor, QUERY_HEAD)];
  for (;;) {
    cursor.skipSpace();
    if (cursor.take(OR) === undefined) return queries;
    queries.push(parseBody(cursor, QUERY_HEAD));
  }
}

/** What a pair of words begins: a check of this kind, or a policy. */
const CONDITIONS: Readonly<Record<string, CheckKind | { readonly policy: Policy["kind"] }>> = {
  "check if": "check if",
  "check all": "check all",
  "reject if": "reject if",
  "allow if": { policy: "allow" },
  "deny if": { policy: "deny" },
};

function parseCondition(cursor: Cursor, draft: Draft): boolean {
  const start = cursor.offset;
  const match = cursor.take(CONDITION);
  if (match === undefined) return false;
  const kind = CONDITIONS[`${match[1]} ${match[2]}`.toLowerCase()];
  if (kind === undefined) throw cursor.error(`Expected "if" after ${match[1]}`, start);
  const queries = parseQueries(cursor);
  if (typeof kind === "string") draft.checks.push({ kind, queries });
  else draft.policies.push({ kind: kind.policy, queries });
  return true;
}

function parseRule(cursor: Cursor): Rule {
  const start = cursor.offset;
  const head = parseHead(cursor);
  cursor.expect("<-", "after the head of a rule");
  const rule = parseBody(cursor, withTerms(cursor, start, head));
  const [unbound] = unboundVariables(rule);
  if (unbound !== undefined) {
    throw cursor.error(`Cannot use a variable in a rule that no predicate of its body binds: $${unbound}`, start);
  }
  return rule;
}

function parseFactOrRule(cursor: Cursor, draft: Draft): void {
  const start = cursor.offset;
  parseHead(cursor);
  cursor.skipSpace();
  const isRule = cursor.takeText("<-");
  cursor.offset = start;
  if (isRule) draft.rules.push(parseRule(cursor));
  else draft.facts.push(parsePredicate(cursor, false));
}

function endStatement(cursor: Cursor): void {
  cursor.skipSpace();
  if (!cursor.atEnd && !cursor.takeText(";")) throw cursor.unexpected('Expected ";" or "," to go on');
}

function openSource(source: string): Cursor {
  assertText("a query", "Datalog text", source);
  if (source.length > MAX_SOURCE_LENGTH) {
    throw new DatalogError(
      "syntax",
      `Cannot parse text of more than ${MAX_SOURCE_LENGTH} characters: ${source.length}`,
    );
  }
  // It could not be encoded, and encoders would put another character in its place.
  if (!source.isWellFormed()) throw new DatalogError("syntax", "Cannot parse text with a lone surrogate");
  return new Cursor(source);
}

/**
 * Parses Datalog source: an optional `trusting …;`, then facts, rules, checks and policies, each ended by `;`.
 *
 * @throws {DatalogError} code `syntax`, with the place of the mistake.
 */
export function parseSource(source: string): AuthorizerContent {
  const cursor = openSource(source);
  const draft: Draft = { facts: [], rules: [], checks: [], policies: [] };
  const scopes = parseScopes(cursor);
  if (scopes.length > 0) endStatement(cursor);
  for (cursor.skipSpace(); !cursor.atEnd; cursor.skipSpace()) {
    if (!parseCondition(cursor, draft)) parseFactOrRule(cursor, draft);
    endStatement(cursor);
  }
  return { ...draft, scopes, context: undefined };
}

/**
 * Parses one rule, with or without `;` at its end.
 *
 * @throws {DatalogError} code `syntax`.
 */
export function parseOneRule(source: string): Rule {
  const cursor = openSource(source);
  cursor.skipSpace();
  const rule = parseRule(cursor);
  endStatement(cursor);
  cursor.skipSpace();
  if (!cursor.atEnd) throw cursor.unexpected("Expected the end of the rule");
  return rule;
}
