import { Authorizer, type Biscuit, type Fact, fact, type RequestOptions } from "@countersign/biscuit";
import { earliestExpiry } from "./inspect-identity.ts";
import { type Case, judge, rightsOf } from "./judge.ts";
import { openToken, openTokenSync, type ShownToken, type VerificationOptions } from "./open.ts";
import { refusal } from "./refusals.ts";
import { type ChainRequest, chainRefusal, chainToPass, type Passed } from "./service-chain.ts";
import { nowInSeconds } from "./times.ts";
import { blockTrees } from "./tree.ts";

/** Stands for whoever shows the token: right only where possession is all that is asked for. */
export const anySubject: unique symbol = Symbol("any subject");

/** What an authorization token is to grant. */
export interface AuthorizationRequest {
  /** Who acts, or {@link anySubject}. */
  readonly subject: string | typeof anySubject;
  /** The resource that it is about. */
  readonly resource: string;
  /** The operation on the resource. */
  readonly operation: string;
  /** The domain in which the token is used. @default none */
  readonly domain?: string;
  /** The prefix under which the resource lies; it must be that of the token, whole. @default none */
  readonly prefix?: string;
  /** The services that must have passed the token on. @default none */
  readonly serviceChain?: ChainRequest;
}

/** An authorization token that holds. */
export interface VerifiedAuthorization {
  /** Absent when any subject would do. */
  readonly subject: string | undefined;
  /** The resource that it is about. */
  readonly resource: string;
  /** The operation that is authorized. */
  readonly operation: string;
  /** The earliest end of all blocks, in milliseconds since the epoch; absent when none has one. */
  readonly expiresAt: number | undefined;
  /** The verified token. */
  readonly token: Biscuit;
}

// Old tokens check nothing but the time, so the policy asks for the right itself; appended blocks cannot add one.
const POLICY = "allow if subject($sub), resource($res), operation($op), right($sub, $res, $op);";

const ofSubject = new Authorizer(POLICY);
const ofAny = new Authorizer(`subject($sub) <- right($sub, $res, $op), resource($res), operation($op); ${POLICY}`);

const subjectOf = ({ subject }: AuthorizationRequest): string | undefined =>
  subject === anySubject ? undefined : subject;

function factsOf(request: AuthorizationRequest, now: number): Fact[] {
  const { subject, resource, operation, domain, prefix } = request;
  const facts = [fact("time", now), fact("resource", resource), fact("operation", operation)];
  if (subject !== anySubject) facts.push(fact("subject", subject));
  if (domain !== undefined) facts.push(fact("domain", domain));
  if (prefix !== undefined) facts.push(fact("prefix", prefix));
  return facts;
}

function chainCode(resource: string, passed: readonly Passed[]): Pick<RequestOptions, "code" | "parameters"> {
  if (passed.length === 0) return {};
  const code = passed.map((_, i) => `check if node({resource}, {component${i}}) trusting authority, {key${i}};`);
  const values = passed.flatMap(({ component, key }, i) => [
    [`component${i}`, component] as const,
    [`key${i}`, key] as const,
  ]);
  return { code: code.join("\n"), parameters: { resource, ...Object.fromEntries(values) } };
}

/** What the token is judged by. */
export function caseOf(token: Biscuit, request: AuthorizationRequest, passed: readonly Passed[], now: number): Case {
  const { resource, operation, domain, prefix } = request;
  const subject = subjectOf(request);
  const asked = { now, subject, resource, operation, domain, prefix };
  return {
    kind: "authorization",
    authorizer: subject === undefined ? ofAny : ofSubject,
    request: { facts: factsOf(request, now), ...chainCode(resource, passed) },
    asked,
    unmatched: () => refusal("rights_denied", rightsOf(asked)),
    ownCheck: (index) => chainRefusal(token, passed[index]),
  };
}

/** The result for a token that holds. */
export function verifiedOf(token: Biscuit, request: AuthorizationRequest): VerifiedAuthorization {
  const { resource, operation } = request;
  return {
    subject: subjectOf(request),
    resource,
    operation,
    token,
    // Reading a block as a tree takes as long as judging it, and few ask.
    get expiresAt() {
      return earliestExpiry(blockTrees(token));
    },
  };
}

function judgeAuthorization(
  token: Biscuit,
  request: AuthorizationRequest,
  passed: readonly Passed[],
  options: VerificationOptions,
): VerifiedAuthorization {
  judge(token, caseOf(token, request, passed, nowInSeconds(options.clock)));
  return verifiedOf(token, request);
}

/** A caller without types who leaves the subject out must not be taken to mean any. */
export function assertSubject({ subject }: AuthorizationRequest): void {
  if (subject !== anySubject && typeof subject !== "string") {
    throw new TypeError("Cannot verify an authorization token without a subject: pass anySubject if any will do");
  }
}

/**
 * Verifies an authorization token for a subject, a resource and an operation, offline, under the strict policy: the
 * authority itself must have granted exactly that right.
 *
 * @throws {CountersignError} `rights_denied`, `service_chain_failed`, `signoff_missing`, `prefix_mismatch`,
 * `domain_mismatch`, `token_expired`, `token_signature` and the others of {@link RefusalData}.
 * @example
 * ```ts
 * import { systemClock, verifyAuthorization } from "@countersign/protocol/capability";
 * import type { PublicKey } from "@countersign/biscuit";
 * export async function mayRead(token: string, rootKey: PublicKey): Promise<void> {
 *   const request = { subject: "urn:x:alice", resource: "orders", operation: "read" };
 *   await verifyAuthorization(token, request, { rootKey, clock: systemClock });
 * }
 * ```
 */
export async function verifyAuthorization(
  token: ShownToken,
  request: AuthorizationRequest,
  options: VerificationOptions,
): Promise<VerifiedAuthorization> {
  assertSubject(request);
  const passed = chainToPass(request.serviceChain);
  return judgeAuthorization(await openToken(token, options), request, passed, options);
}

/** The same as {@link verifyAuthorization}, at once. @throws {KeyError} `no_sync_crypto` */
export function verifyAuthorizationSync(
  token: ShownToken,
  request: AuthorizationRequest,
  options: VerificationOptions,
): VerifiedAuthorization {
  assertSubject(request);
  const passed = chainToPass(request.serviceChain);
  return judgeAuthorization(openTokenSync(token, options), request, passed, options);
}
