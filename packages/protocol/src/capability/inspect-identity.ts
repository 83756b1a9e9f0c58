import type { Biscuit } from "@countersign/biscuit";
import { type KnownCheck, knownCheck } from "./known-checks.ts";
import { type BlockTree, blockTrees, stringFacts } from "./tree.ts";

/** What an identity token says of itself, once its signatures hold; none of its checks is judged. */
export interface IdentityInspection {
  /** Whom the authority named. */
  readonly subject: string;
  /** Whom the token stands for: the last delegate that it names, or else the subject. */
  readonly identity: string;
  /** Whether a block after the authority's names an identity; one that only shortens the token does not. */
  readonly isDelegated: boolean;
  /** Whether the holder may name sub-identities. */
  readonly isDelegatable: boolean;
  /** The earliest end of all blocks, in milliseconds since the epoch; absent when none has one. */
  readonly expiresAt: number | undefined;
  /** The domain that it is restricted to. */
  readonly domain: string | undefined;
}

type Known<Kind extends KnownCheck["kind"]> = Extract<KnownCheck, { kind: Kind }>;

/** The known checks of one kind in a block, in order. */
export function checksOf<Kind extends KnownCheck["kind"]>(block: BlockTree, kind: Kind): Known<Kind>[] {
  return block.checks.flatMap((check) => {
    const known = knownCheck(check);
    return known !== undefined && isOfKind(known, kind) ? [known] : [];
  });
}

function isOfKind<Kind extends KnownCheck["kind"]>(known: KnownCheck, kind: Kind): known is Known<Kind> {
  return known.kind === kind;
}

/** The earliest end of all blocks. */
export function earliestExpiry(blocks: readonly BlockTree[]): number | undefined {
  const ends = blocks.flatMap((block) => checksOf(block, "expiry")).map(({ expiresAt }) => expiresAt);
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/** Reads an identity token, or nothing of a token of another kind. */
export function inspectIdentity(token: Biscuit): IdentityInspection | undefined {
  const blocks = blockTrees(token);
  const [authority, ...others] = blocks;
  const [subject] = authority === undefined ? [] : (stringFacts(authority.facts, "subject", 1)[0] ?? []);
  if (authority === undefined || subject === undefined) return undefined;
  const own = checksOf(authority, "actor");
  const delegates = others.flatMap((block) => checksOf(block, "actor"));
  const last = delegates.at(-1);
  return {
    subject,
    identity: last?.identity ?? subject,
    isDelegated: last !== undefined,
    isDelegatable: [...own, ...delegates].every(({ delegatable }) => delegatable),
    expiresAt: earliestExpiry(blocks),
    domain: checksOf(authority, "domain")[0]?.domain,
  };
}
