import type { Biscuit } from "@countersign/biscuit";
import { describeBlock, type InspectedBlock } from "./inspect-block.ts";
import { checksOf, earliestExpiry, type IdentityInspection, inspectIdentity } from "./inspect-identity.ts";
import { type OpenOptions, openToken, type ShownToken } from "./open.ts";
import { servicesOf } from "./service-chain.ts";
import { type BlockTree, blockTrees, stringFacts } from "./tree.ts";

/** What an authority granted. */
export interface Right {
  /** Whose right it is. */
  readonly subject: string;
  /** The resource that it is about. */
  readonly resource: string;
  /** The operation on the resource. */
  readonly operation: string;
}

/** A service that a token names, and whether it attested for the resource. */
export interface InspectedService {
  /** Its name. */
  readonly component: string;
  /** Its key. */
  readonly publicKey: string;
  /** Whether it has attested for the resource. */
  readonly isAttested: boolean;
}

/** A party that a token names, and whether it signed off. */
export interface InspectedParty {
  /** Its name. */
  readonly component: string;
  /** Its key. */
  readonly publicKey: string;
  /** Whether it has signed off. */
  readonly isSigned: boolean;
}

interface Common {
  /** The earliest end of all blocks, in milliseconds since the epoch; absent when none has one. */
  readonly expiresAt: number | undefined;
  readonly rootKeyId: number | undefined;
  readonly isSealed: boolean;
  /** The blocks, the authority's first. */
  readonly blocks: readonly InspectedBlock[];
  /** The signature of each block in hexadecimal: revoke one, and every token that extends that block is revoked. */
  readonly revocationIds: readonly string[];
  /** The same in the one form that a P-256 signature has there; lists of revoked tokens should hold these. */
  readonly normalizedRevocationIds: readonly string[];
}

/** An identity token. */
export interface InspectedIdentity extends Common, IdentityInspection {
  /** Tells it from the other kinds. */
  readonly kind: "identity";
}

/** An authorization token, or a capability token of the successor line. */
export interface InspectedAuthorization extends Common {
  /** Tells it from the other kinds. */
  readonly kind: "authorization" | "capability";
  /** One, except in old tokens. */
  readonly rights: readonly Right[];
  /** The domain that it is restricted to. */
  readonly domain: string | undefined;
  /** The key of whoever must add a prefix; a token that names one is a stub until `prefixes` has one of that key. */
  readonly prefixKey: string | undefined;
  /** The prefixes that verifiers must state, whoever added them. */
  readonly prefixes: readonly string[];
  /** The services that must attest it, in order. */
  readonly serviceChain: readonly InspectedService[];
  /** Who must sign it off. */
  readonly parties: readonly InspectedParty[];
}

/** A context token. */
export interface InspectedContext extends Common {
  /** Tells it from the other kinds. */
  readonly kind: "context";
  /** Whose context it is. */
  readonly subject: string;
}

/** A token of a kind that is not known. */
export interface InspectedOther extends Common {
  /** Tells it from the other kinds. */
  readonly kind: "unknown";
}

/** What a token says of itself. */
export type TokenInspection = InspectedIdentity | InspectedAuthorization | InspectedContext | InspectedOther;

function commonOf(token: Biscuit, trees: readonly BlockTree[]): Common {
  const { rootKeyId, isSealed, revocationIds, normalizedRevocationIds } = token;
  const blocks = trees.map((tree, index) => describeBlock(tree, index, revocationIds[index] ?? ""));
  return { expiresAt: earliestExpiry(trees), rootKeyId, isSealed, blocks, revocationIds, normalizedRevocationIds };
}

/** Whether a third party with this key states this fact. */
function states(trees: readonly BlockTree[], key: string, name: string, value: string): boolean {
  return trees.some(
    ({ externalKey, facts }) => externalKey === key && stringFacts(facts, name, 1).some(([stated]) => stated === value),
  );
}

function rightsIn(authority: BlockTree): Right[] {
  return stringFacts(authority.facts, "right", 3).map(([subject = "", resource = "", operation = ""]) => {
    return { subject, resource, operation };
  });
}

/** Old tokens do not check the subject either, but a capability token checks the resource. */
function isCapability({ checks }: BlockTree): boolean {
  const bodies = checks.map(({ queries }) => (queries[0]?.body ?? []).map(({ name }) => name));
  return bodies.some((names) => names.includes("right") && !names.includes("subject"));
}

function authorizationOf(token: Biscuit, trees: readonly BlockTree[], authority: BlockTree): InspectedAuthorization {
  const rights = rightsIn(authority);
  const isAttested = (key: string): boolean => rights.some(({ resource }) => states(trees, key, "service", resource));
  return {
    ...commonOf(token, trees),
    kind: isCapability(authority) ? "capability" : "authorization",
    rights,
    domain: checksOf(authority, "domain")[0]?.domain,
    prefixKey: checksOf(authority, "prefix_added")[0]?.key,
    prefixes: trees.flatMap((tree) => checksOf(tree, "prefix")).map(({ prefix }) => prefix),
    serviceChain: servicesOf(token).map(({ component, key }) => {
      return { component, publicKey: key, isAttested: isAttested(key) };
    }),
    parties: checksOf(authority, "party").map(({ component, key }) => {
      return { component, publicKey: key, isSigned: states(trees, key, "namespace", component) };
    }),
  };
}

/** Reads what a token whose signatures hold says of itself; none of its checks is judged. */
export function inspectionOf(token: Biscuit): TokenInspection {
  const trees = blockTrees(token);
  const [authority] = trees;
  const identity = inspectIdentity(token);
  if (identity !== undefined) return { ...commonOf(token, trees), ...identity, kind: "identity" };
  if (authority !== undefined && rightsIn(authority).length > 0) return authorizationOf(token, trees, authority);
  const [subject] = stringFacts(authority?.facts ?? [], "context", 1)[0] ?? [];
  if (subject !== undefined) return { ...commonOf(token, trees), kind: "context", subject };
  return { ...commonOf(token, trees), kind: "unknown" };
}

/**
 * Reads what a token says of itself, once its signatures hold: whom it stands for or what it grants, until when, and what
 * was appended by whom. Nothing is judged: an expired token is told about too.
 *
 * @throws {CountersignError} `token_signature`, `token_malformed`, `token_revoked` and their like.
 * @example
 * ```ts
 * import { inspectToken } from "@countersign/protocol/capability";
 * import type { PublicKey } from "@countersign/biscuit";
 * export async function missingSignoffs(token: string, rootKey: PublicKey): Promise<string[]> {
 *   const inspection = await inspectToken(token, { rootKey });
 *   if (inspection.kind !== "authorization") return [];
 *   return inspection.parties.filter(({ isSigned }) => !isSigned).map(({ component }) => component);
 * }
 * ```
 */
export async function inspectToken(token: ShownToken, options: OpenOptions): Promise<TokenInspection> {
  return inspectionOf(await openToken(token, options));
}
