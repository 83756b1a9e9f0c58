import { Authorizer, type Biscuit, fact, type RequestOptions } from "@countersign/biscuit";
import type { Designation } from "./capability-blocks.ts";
import { earliestExpiry } from "./inspect-identity.ts";
import { judge, rightsOf } from "./judge.ts";
import { openToken, openTokenSync, type ShownToken, type VerificationOptions } from "./open.ts";
import { refusal } from "./refusals.ts";
import { nowInSeconds } from "./times.ts";
import { blockTrees } from "./tree.ts";

/** What a capability token is to grant. */
export interface CapabilityRequest {
  /** Who must have been granted it. @default whoever has it: a capability is its own proof */
  readonly subject?: string;
  /** The resource that it is about. */
  readonly resource: string;
  /** The operation on the resource. */
  readonly operation: string;
  /** What the token is used for. @default none */
  readonly designations?: readonly Designation[];
  /** Where it is used: the designation `anchor`. @default nowhere in particular */
  readonly anchor?: string;
}

/** A capability token that holds. */
export interface VerifiedCapability {
  /** Who holds it. */
  readonly subject: string | undefined;
  /** The resource that it is about. */
  readonly resource: string;
  /** The operation that is permitted. */
  readonly operation: string;
  /** The earliest end of all blocks, in milliseconds since the epoch; absent when none has one. */
  readonly expiresAt: number | undefined;
  /** The verified token. */
  readonly token: Biscuit;
}

// As for authorization tokens, the policy asks for the right itself.
const authorizer = new Authorizer("allow if resource($res), operation($op), right($sub, $res, $op);");

function requestOf(request: CapabilityRequest, now: number): RequestOptions {
  const { subject, resource, operation, designations = [], anchor } = request;
  const facts = [fact("time", now), fact("resource", resource), fact("operation", operation)];
  for (const { label, value } of designations) facts.push(fact("designation", label, value));
  if (anchor !== undefined) facts.push(fact("designation", "anchor", anchor));
  if (subject === undefined) return { facts };
  const parameters = { subject, resource, operation };
  return { facts, code: "check if right({subject}, {resource}, {operation});", parameters };
}

function judgeCapability(token: Biscuit, request: CapabilityRequest, options: VerificationOptions): VerifiedCapability {
  const { subject, resource, operation } = request;
  const now = nowInSeconds(options.clock);
  const asked = { now, subject, resource, operation };
  const denied = () => refusal("rights_denied", rightsOf(asked));
  judge(token, {
    kind: "capability",
    authorizer,
    request: requestOf(request, now),
    asked,
    unmatched: denied,
    ownCheck: denied,
  });
  return {
    subject,
    resource,
    operation,
    token,
    // Reading a block as a tree takes as long as judging it, and few ask.
    get expiresAt() {
      return earliestExpiry(blockTrees(token));
    },
  };
}

/**
 * Verifies a capability token for a resource and an operation, offline.
 *
 * @throws {CountersignError} `rights_denied`, `designation_mismatch`, `activation_missing`, `token_expired`,
 * `token_signature` and the others of {@link RefusalData}.
 */
export async function verifyCapability(
  token: ShownToken,
  request: CapabilityRequest,
  options: VerificationOptions,
): Promise<VerifiedCapability> {
  return judgeCapability(await openToken(token, options), request, options);
}

/** The same as {@link verifyCapability}, at once. @throws {KeyError} `no_sync_crypto` */
export function verifyCapabilitySync(
  token: ShownToken,
  request: CapabilityRequest,
  options: VerificationOptions,
): VerifiedCapability {
  return judgeCapability(openTokenSync(token, options), request, options);
}
