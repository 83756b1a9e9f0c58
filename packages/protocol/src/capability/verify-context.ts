import { Authorizer, type Biscuit, fact, type PublicKey } from "@countersign/biscuit";
import type { Exposure } from "./context-blocks.ts";
import { earliestExpiry } from "./inspect-identity.ts";
import { judge } from "./judge.ts";
import { openToken, openTokenSync, type ShownToken, type VerificationOptions } from "./open.ts";
import { refusal } from "./refusals.ts";
import { nowInSeconds } from "./times.ts";
import { blockTrees, stringFacts } from "./tree.ts";

/** What a context is to be used for. */
export interface ContextRequest {
  /** Labels that the context must not have been exposed to. @default none */
  readonly excludes?: readonly string[];
}

/** A context token is signed and extended by one key, so the key itself is asked for and no choice of keys. */
export interface ContextOptions extends VerificationOptions {
  /** The key of the authority. */
  readonly rootKey: PublicKey;
}

/** A context token that holds. */
export interface VerifiedContext extends Exposure {
  /** Whose context it is. */
  readonly subject: string;
  /** The earliest end of all blocks, in milliseconds since the epoch; absent when none has one. */
  readonly expiresAt: number | undefined;
  /** The verified token. */
  readonly token: Biscuit;
}

// Its checks are all that a context token is judged by, once it is known to be one.
const authorizer = new Authorizer("allow if true;");

const distinct = (values: readonly string[]): string[] => [...new Set(values)];

/** What the issuer said that the context was exposed to: holders cannot add to it, nor take from it. */
function exposureOf(token: Biscuit, issuer: PublicKey): Exposure {
  const key = issuer.toString();
  const facts = blockTrees(token).flatMap((block, i) => (i === 0 || block.externalKey === key ? block.facts : []));
  return {
    labels: distinct(stringFacts(facts, "exposed_label", 1).flat()),
    sources: distinct(stringFacts(facts, "exposure_source", 1).flat()),
  };
}

function judgeContext(token: Biscuit, request: ContextRequest, options: ContextOptions): VerifiedContext {
  const now = nowInSeconds(options.clock);
  const [subject] = stringFacts(blockTrees(token)[0]?.facts ?? [], "context", 1)[0] ?? [];
  if (subject === undefined) throw refusal("token_kind", { expected: "context" });
  const excluded = (request.excludes ?? []).map((label) => fact("exposure", label));
  const facts = [fact("time", now), ...excluded];
  judge(token, { kind: "context", authorizer, request: { facts }, asked: { now } });
  return { subject, ...exposureOf(token, options.rootKey), expiresAt: earliestExpiry(blockTrees(token)), token };
}

/**
 * Verifies a context token, offline, and tells what it was exposed to.
 *
 * @throws {CountersignError} `exposure_refused` with the label, `token_expired`, `token_signature` and the others of
 * {@link RefusalData}.
 */
export async function verifyContext(
  token: ShownToken,
  request: ContextRequest,
  options: ContextOptions,
): Promise<VerifiedContext> {
  return judgeContext(await openToken(token, options), request, options);
}

/** The same as {@link verifyContext}, at once. @throws {KeyError} `no_sync_crypto` */
export function verifyContextSync(
  token: ShownToken,
  request: ContextRequest,
  options: ContextOptions,
): VerifiedContext {
  return judgeContext(openTokenSync(token, options), request, options);
}
