import { checksOf, earliestExpiry } from "./inspect-identity.ts";
import { type BlockTree, stringFacts } from "./tree.ts";

/** What a block does to a token. */
export type BlockRole =
  | { readonly role: "authority" }
  /** Hands the token to a sub-identity. */
  | { readonly role: "delegation"; readonly identity: string }
  /** Only shortens it. */
  | { readonly role: "narrowing" }
  | { readonly role: "attestation"; readonly service: string }
  | { readonly role: "signoff"; readonly component: string }
  | { readonly role: "prefix"; readonly prefix: string }
  | { readonly role: "exposure"; readonly labels: readonly string[]; readonly sources: readonly string[] }
  | { readonly role: "activation" }
  | { readonly role: "designation" }
  | { readonly role: "other" };

/** One block of a token. Whoever signed it chose what it says. */
export type InspectedBlock = BlockRole & {
  /** 0 is the authority's. */
  readonly index: number;
  /** The key of the third party that signed the block, as key text; absent for the authority and for holders. */
  readonly externalKey: string | undefined;
  /** The end that this block sets, in milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  readonly revocationId: string;
};

type Reader = (block: BlockTree) => BlockRole | undefined;

const hasFact = ({ facts }: BlockTree, name: string): boolean => facts.some((fact) => fact.name === name);
const firstString = ({ facts }: BlockTree, name: string): string | undefined => stringFacts(facts, name, 1)[0]?.[0];
const isOnlyTime = (block: BlockTree): boolean =>
  block.facts.length + block.rules.length === 0 && block.checks.length === checksOf(block, "expiry").length;

/** What tells a block, the most telling first. */
const READERS: readonly Reader[] = [
  (block) => {
    const identity = checksOf(block, "actor").at(-1)?.identity;
    return identity === undefined ? undefined : { role: "delegation", identity };
  },
  (block) => {
    const prefix = checksOf(block, "prefix")[0]?.prefix;
    return prefix === undefined ? undefined : { role: "prefix", prefix };
  },
  (block) => {
    const service = firstString(block, "service");
    return service === undefined ? undefined : { role: "attestation", service };
  },
  (block) => {
    const component = firstString(block, "namespace");
    return component === undefined ? undefined : { role: "signoff", component };
  },
  (block) => {
    if (!hasFact(block, "exposed_label") && !hasFact(block, "exposure_source")) return undefined;
    const strings = (name: string): string[] => stringFacts(block.facts, name, 1).flat();
    return { role: "exposure", labels: strings("exposed_label"), sources: strings("exposure_source") };
  },
  (block) => (hasFact(block, "activation") ? { role: "activation" } : undefined),
  (block) =>
    hasFact(block, "designation") || checksOf(block, "designation").length > 0 ? { role: "designation" } : undefined,
  (block) => (block.checks.length > 0 && isOnlyTime(block) ? { role: "narrowing" } : undefined),
];

function roleOf(block: BlockTree, index: number): BlockRole {
  if (index === 0) return { role: "authority" };
  for (const read of READERS) {
    const role = read(block);
    if (role !== undefined) return role;
  }
  return { role: "other" };
}

/** Describes a block. */
export function describeBlock(block: BlockTree, index: number, revocationId: string): InspectedBlock {
  const { externalKey } = block;
  return { ...roleOf(block, index), index, externalKey, expiresAt: earliestExpiry([block]), revocationId };
}
