import type { Authorizer, Biscuit, Decision, FailedCheck, RequestOptions } from "@countersign/biscuit";
import { defined } from "../defined.ts";
import type { CountersignError } from "../errors.ts";
import { tokenRefusal } from "./biscuit-errors.ts";
import { type KnownCheck, knownCheck } from "./known-checks.ts";
import { type CheckPlace, type RefusalData, refusal } from "./refusals.ts";
import { blockTrees, stringFacts } from "./tree.ts";

/** What was stated to the verifier, for the refusal to tell. */
export interface Asked {
  /** Seconds. */
  readonly now: number;
  readonly identity?: string | undefined;
  readonly subject?: string | undefined;
  readonly resource?: string;
  readonly operation?: string;
  readonly domain?: string | undefined;
  readonly prefix?: string | undefined;
}

/** The kinds of token that are verified. */
export type TokenKind = RefusalData["token_kind"]["expected"];

/** The fact that the authority block of each kind begins with, and how many terms it has. */
const MARKS: Readonly<Record<TokenKind, readonly [name: string, terms: number]>> = {
  identity: ["subject", 1],
  authorization: ["right", 3],
  capability: ["right", 3],
  context: ["context", 1],
};

/** What a verifier judges by. */
export interface Case {
  readonly kind: TokenKind;
  readonly authorizer: Authorizer;
  readonly request: RequestOptions;
  readonly asked: Asked;
  /** The refusal when no check failed and yet no policy matched. @default that the token is of another kind */
  readonly unmatched?: () => CountersignError;
  /** The refusal for a check of the verifier itself, by its place. */
  readonly ownCheck?: (index: number) => CountersignError;
}

/** How each known check is refused; the same check is told the same way whatever kind of token it stands in. */
const REFUSALS: {
  readonly [Kind in KnownCheck["kind"]]: (
    check: Extract<KnownCheck, { kind: Kind }>,
    at: CheckPlace,
    asked: Asked,
  ) => CountersignError;
} = {
  expiry: ({ expiresAt }, at, { now }) => refusal("token_expired", { ...at, expiredAt: expiresAt, now: now * 1000 }),
  actor: ({ identity }, at, asked) =>
    refusal("identity_mismatch", { ...at, expected: identity, actual: asked.identity }),
  domain: ({ domain }, at, asked) => refusal("domain_mismatch", { ...at, expected: domain, provided: asked.domain }),
  prefix: ({ prefix }, at, asked) => refusal("prefix_mismatch", { ...at, expected: prefix, provided: asked.prefix }),
  prefix_added: ({ key }, at, asked) => refusal("prefix_mismatch", { ...at, key, provided: asked.prefix }),
  party: ({ component, key }, at) => refusal("signoff_missing", { ...at, component, key }),
  designation: ({ label, value, key }, at) =>
    refusal("designation_mismatch", { ...at, label, value, ...defined({ key }) }),
  activation: ({ key }, at) => refusal("activation_missing", { ...at, key }),
  right: (_, __, asked) => refusal("rights_denied", rightsOf(asked)),
  exposure: ({ label }, at) => refusal("exposure_refused", { ...at, label }),
};

/** The rights that were asked for. */
export function rightsOf({ subject, resource = "", operation = "" }: Asked): RefusalData["rights_denied"] {
  return { subject, resource, operation };
}

/** The causes that are told first: they stay whatever else is mended. */
const FIRST: ReadonlySet<string> = new Set(["expiry", "domain", "actor"]);

interface Failure {
  readonly failed: FailedCheck;
  readonly known: KnownCheck | undefined;
}

function knownFailures(token: Biscuit, decision: Decision): Failure[] {
  const trees = blockTrees(token);
  return decision.failedChecks.map((failed) => {
    const check = failed.block === undefined ? undefined : trees[failed.block]?.checks[failed.index];
    return { failed, known: check && knownCheck(check) };
  });
}

function refuseCheck({ failed, known }: Failure, { asked, ownCheck }: Case): CountersignError {
  const { block, index, check: rule } = failed;
  if (block === undefined) return ownCheck?.(index) ?? refusal("check_failed", { rule });
  const at: CheckPlace = { block, check: index };
  if (known === undefined) return refusal("check_failed", { ...at, rule });
  // The table has the reader of each kind under its name.
  const tell = REFUSALS[known.kind] as (check: KnownCheck, at: CheckPlace, asked: Asked) => CountersignError;
  return tell(known, at, asked);
}

function isOfKind(token: Biscuit, kind: TokenKind): boolean {
  return stringFacts(blockTrees(token)[0]?.facts ?? [], ...MARKS[kind]).length > 0;
}

/** The one cause of a refusal: the verifier's own checks, then what cannot be mended, then the first that failed. */
function causeOf(token: Biscuit, failures: readonly Failure[], tried: Case): CountersignError {
  if (!isOfKind(token, tried.kind)) return refusal("token_kind", { expected: tried.kind });
  const cause =
    failures.find(({ failed }) => failed.block === undefined) ??
    failures.find(({ known }) => known !== undefined && FIRST.has(known.kind)) ??
    failures[0];
  if (cause !== undefined) return refuseCheck(cause, tried);
  return tried.unmatched?.() ?? refusal("token_kind", { expected: tried.kind });
}

/** Judges a token. @throws {CountersignError} with the one cause of the refusal. */
export function judge(token: Biscuit, tried: Case): void {
  const decision = tried.authorizer.authorize(token, tried.request);
  if (decision.error !== undefined) throw tokenRefusal(decision.error);
  if (!decision.allowed) throw causeOf(token, knownFailures(token, decision), tried);
}

type Party = Extract<KnownCheck, { kind: "party" }>;

/** Judges a token but for the signoffs that its authority demands, and returns those that are missing. */
export function judgePending(token: Biscuit, tried: Case): Party[] {
  const decision = tried.authorizer.authorize(token, tried.request);
  if (decision.error !== undefined) throw tokenRefusal(decision.error);
  const missing: Party[] = [];
  const failures = knownFailures(token, decision).filter(({ failed, known }) => {
    if (failed.block !== 0 || known?.kind !== "party") return true;
    missing.push(known);
    return false;
  });
  if (failures.length > 0 || decision.policy?.kind !== "allow") throw causeOf(token, failures, tried);
  return missing;
}
