import { LimitError } from "@countersign/biscuit";
import type { JsonObject, JsonValue } from "@countersign/protocol";
import { type ClaimPath, claimAt, parseClaimPath } from "./claim-path.ts";
import { type ClaimTemplate, compileTemplate } from "./claim-template.ts";
import type { ExchangeDocument, IssuerEntry } from "./exchange-document.ts";
import { compilePattern, type Pattern } from "./pattern.ts";

/** What a text or value must be: one of these, or all of a pattern. Never both. */
type Test = { readonly values: ReadonlySet<JsonValue> } | { readonly pattern: Pattern };

/** A rule of exchange as it is applied. */
export interface ExchangeRule {
  /** Its id, or `exchange.rules[3]`. */
  readonly name: string;
  readonly issuer: string;
  readonly audiences?: Test;
  readonly clients?: Test;
  readonly claims: readonly { readonly name: string; readonly path: ClaimPath; readonly test: Test }[];
  readonly gives: {
    readonly audiences: readonly string[];
    /** Those of them that it is for without being asked. */
    readonly byDefault: readonly string[];
    readonly scopes: readonly string[];
    readonly lifetimeMs?: number;
    readonly subject?: ClaimTemplate;
    readonly user?: ClaimTemplate;
  };
}

/** The section `exchange` of a policy, compiled. */
export interface ExchangePolicy {
  /** By their identifiers. */
  readonly issuers: ReadonlyMap<string, IssuerEntry>;
  /** In the order of the document. */
  readonly rules: readonly ExchangeRule[];
}

/** Without a policy nobody's tokens are taken. */
export const noExchange: ExchangePolicy = { issuers: new Map(), rules: [] };

/** What the rules of exchange are asked. */
export interface ExchangeRequest {
  /** The issuer of the token; `self` for this authority. */
  readonly issuer: string;
  /** The audiences of the token. */
  readonly audience: readonly string[];
  /** Who wants to exchange it. */
  readonly client: string;
  /** The claims of the token. */
  readonly claims: JsonObject;
  /** The audiences that are asked for. */
  readonly targets: readonly string[];
}

/** Why a rule does not apply: what of it does not fit. */
export type ExchangeMismatch =
  | { readonly of: "issuer" | "audience" | "client" | "target" }
  | { readonly of: "claim"; readonly name: string };

/** Compiles the section of a document that was checked. */
export function compileExchange({ issuers, rules }: ExchangeDocument): ExchangePolicy {
  return {
    issuers: new Map(issuers.map((entry) => [entry.issuer, entry])),
    rules: rules.map(compileRule),
  };
}

type Written = ExchangeDocument["rules"][number];

function compileRule(rule: Written, at: number): ExchangeRule {
  const audiences = testOf(rule.audiences, rule.audience_pattern);
  const clients = testOf(rule.clients, rule.client_pattern);
  return {
    name: rule.id ?? `exchange.rules[${at}]`,
    issuer: rule.issuer,
    ...(audiences === undefined ? {} : { audiences }),
    ...(clients === undefined ? {} : { clients }),
    claims: Object.entries(rule.claims).map(([name, wanted]) => ({
      name,
      path: parseClaimPath(name) ?? [],
      test: claimTest(wanted),
    })),
    gives: givesOf(rule),
  };
}

function givesOf({ gives }: Written): ExchangeRule["gives"] {
  const { audiences, every_audience: every, scopes, lifetime } = gives;
  const subject = gives.subject === undefined ? undefined : compileTemplate(gives.subject);
  const user = gives.user === undefined ? undefined : compileTemplate(gives.user);
  return {
    audiences,
    byDefault: every ? audiences : audiences.slice(0, 1),
    scopes,
    ...(lifetime === undefined ? {} : { lifetimeMs: lifetime * 1000 }),
    ...(subject === undefined ? {} : { subject }),
    ...(user === undefined ? {} : { user }),
  };
}

function claimTest(wanted: Written["claims"][string]): Test {
  if (typeof wanted !== "object") return { values: new Set([wanted]) };
  if (Array.isArray(wanted)) return { values: new Set(wanted) };
  return "pattern" in wanted ? patternTest(wanted.pattern) : { values: new Set() };
}

function testOf(values: readonly string[] | undefined, source: string | undefined): Test | undefined {
  if (values !== undefined) return { values: new Set(values) };
  return source === undefined ? undefined : patternTest(source);
}

/** What cannot be compiled fits nothing; the document was checked for it. */
function patternTest(source: string): Test {
  const pattern = compilePattern(source);
  return pattern === undefined ? { values: new Set() } : { pattern };
}

/**
 * The first rule, in the order of the document, that a token meets; `too_costly` where a pattern costs more to match than one
 * request may.
 */
export function ruleFor({ rules }: ExchangePolicy, request: ExchangeRequest): ExchangeRule | "too_costly" | undefined {
  try {
    return rules.find((rule) => mismatchOf(rule, request) === undefined);
  } catch (error) {
    if (error instanceof LimitError) return "too_costly";
    throw error;
  }
}

/** Why a rule does not apply to a token; `undefined` where it does. */
function mismatchOf(rule: ExchangeRule, request: ExchangeRequest): ExchangeMismatch | undefined {
  if (rule.issuer !== request.issuer) return { of: "issuer" };
  if (rule.audiences !== undefined && !fitsOne(rule.audiences, [...request.audience])) return { of: "audience" };
  if (rule.clients !== undefined && !fits(rule.clients, request.client)) return { of: "client" };
  const claim = rule.claims.find(({ path, test }) => !fitsOne(test, claimAt(request.claims, path)));
  if (claim !== undefined) return { of: "claim", name: claim.name };
  return request.targets.every((target) => rule.gives.audiences.includes(target)) ? undefined : { of: "target" };
}

/** Of a list one member has to fit. */
function fitsOne(test: Test, value: JsonValue | undefined): boolean {
  return Array.isArray(value) ? value.some((one: JsonValue) => fits(test, one)) : fits(test, value);
}

const MAX_MATCHED = 1024;

function fits(test: Test, value: JsonValue | undefined): boolean {
  if (value === undefined) return false;
  if ("values" in test) return test.values.has(value);
  return typeof value === "string" && value.length <= MAX_MATCHED && test.pattern.matches(value);
}

/** Which trusted issuer a token is of, by what it says itself: nothing is verified yet. `undefined` for any other. */
export function issuerIn({ iss, sub }: JsonObject, { issuers }: ExchangePolicy): IssuerEntry | undefined {
  const trustDomain = typeof sub === "string" ? /^spiffe:\/\/[^/]+/.exec(sub)?.[0] : undefined;
  const ofDomain = trustDomain === undefined ? undefined : issuers.get(trustDomain);
  return ofDomain ?? (typeof iss === "string" ? issuers.get(iss) : undefined);
}

/** What one rule says of a token. */
export interface ExchangeExplanation {
  /** The name of the rule. */
  readonly rule: string;
  /** Whether the token meets it. */
  readonly applies: boolean;
  /** Why, or why not. */
  readonly because: string;
}

/** What every rule says of a token, in the order of the document: the first that applies counts. */
export function explainExchange({ rules }: ExchangePolicy, request: ExchangeRequest): readonly ExchangeExplanation[] {
  let isMet = false;
  return rules.map((rule) => {
    const mismatch = mismatchOf(rule, request);
    const because = mismatch === undefined ? giving(rule, isMet) : differing(rule, mismatch, request);
    isMet ||= mismatch === undefined;
    return { rule: rule.name, applies: mismatch === undefined, because };
  });
}

function giving({ gives: { scopes, audiences } }: ExchangeRule, isMet: boolean): string {
  if (isMet) return "it fits, too, but a rule before it counts";
  return `it gives ${scopes.join(" ") || "no scope"} for ${audiences.join(" ")}`;
}

function differing(rule: ExchangeRule, mismatch: ExchangeMismatch, request: ExchangeRequest): string {
  switch (mismatch.of) {
    case "issuer":
      return `it is about tokens of ${rule.issuer}, not of ${shown(request.issuer)}`;
    case "audience":
      return `it is about tokens for ${wanted(rule.audiences)}, not for ${shown([...request.audience])}`;
    case "client":
      return `it is for ${wanted(rule.clients)}, not ${shown(request.client)}`;
    case "target":
      return `it gives tokens for ${rule.gives.audiences.join(" ")}, not for ${shown([...request.targets])}`;
    case "claim": {
      const claim = rule.claims.find(({ name }) => name === mismatch.name);
      const found = claim === undefined ? undefined : claimAt(request.claims, claim.path);
      const has = found === undefined ? "the token has none" : `the token has ${shown(found)}`;
      return `it wants ${mismatch.name} to be ${wanted(claim?.test)}, and ${has}`;
    }
  }
}

function wanted(test: Test | undefined): string {
  if (test === undefined) return "anything";
  return "pattern" in test ? `all of ${shown(test.pattern.source)}` : [...test.values].map(shown).join(" or ");
}

/** Foreign text: as JSON of ASCII, so that it steers no terminal, and not too long. */
function shown(value: JsonValue): string {
  const text = JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
