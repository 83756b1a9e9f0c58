import type { InspectedBlock, TokenInspection } from "@countersign/protocol/capability";

/** A line of the page: what is told, and what it is. */
export type Fact = readonly [name: string, value: string];

/** What the page tells of a token. */
export interface Description {
  readonly title: string;
  /** What it still allows, and until when. */
  readonly facts: readonly Fact[];
  readonly blocks: readonly { readonly title: string; readonly facts: readonly Fact[] }[];
}

const instant = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");

function untilOf(expiresAt: number | undefined, now: number): string {
  if (expiresAt === undefined) return "nothing ends it";
  return `${instant(expiresAt)}${expiresAt <= now ? ", which is past" : ""}`;
}

function waiting(names: readonly string[]): string {
  return names.length === 0 ? "nobody" : names.join(", ");
}

/** What is left of what the authority granted, kind by kind. */
function allows(inspection: TokenInspection): readonly Fact[] {
  if (inspection.kind === "identity") {
    const { identity, isDelegatable, domain } = inspection;
    return [
      ["stands for", identity],
      ["may name", isDelegatable ? `sub-identities of ${identity}` : "nobody else"],
      ...(domain === undefined ? [] : ([["only in", domain]] as const)),
    ];
  }
  if (inspection.kind === "authorization" || inspection.kind === "capability") {
    const { rights, serviceChain, parties, domain, prefixes } = inspection;
    const unsigned = parties.filter(({ isSigned }) => !isSigned).map(({ component }) => component);
    const unattested = serviceChain.filter(({ isAttested }) => !isAttested).map(({ component }) => component);
    return [
      ...rights.map(({ subject, resource, operation }): Fact => ["grants", `${subject} may ${operation} ${resource}`]),
      ...(parties.length === 0 ? [] : ([["waits for", waiting(unsigned)]] as const)),
      ...(serviceChain.length === 0 ? [] : ([["not passed yet", waiting(unattested)]] as const)),
      ...(domain === undefined ? [] : ([["only in", domain]] as const)),
      ...prefixes.map((prefix): Fact => ["only under", prefix]),
    ];
  }
  return [
    ["says", inspection.kind === "context" ? `context of ${inspection.subject}` : "what this page does not know"],
  ];
}

const titles: {
  readonly [Role in InspectedBlock["role"]]: (block: Extract<InspectedBlock, { role: Role }>) => string;
} = {
  authority: () => "The authority issued it",
  delegation: ({ identity }) => `Handed to ${identity}`,
  narrowing: () => "Shortened",
  attestation: ({ service }) => `Attested for ${service}`,
  signoff: ({ component }) => `Signed off by ${component}`,
  prefix: ({ prefix }) => `Restricted to ${prefix}`,
  exposure: ({ labels }) => `Exposed to ${labels.join(", ")}`,
  activation: () => "Activated",
  designation: () => "Narrowed to a designation",
  other: () => "Something else",
};

function titleOf(block: InspectedBlock): string {
  // The table has the title of each role under its name.
  return (titles[block.role] as (block: InspectedBlock) => string)(block);
}

function signerOf({ index, externalKey }: InspectedBlock, rootKey: string): string {
  if (index === 0) return `the authority, ${rootKey}`;
  return externalKey ?? "whoever held it";
}

/** Describes a token whose signatures hold. @param now Milliseconds since the epoch */
export function describe(inspection: TokenInspection, rootKey: string, now: number): Description {
  const { kind, blocks, expiresAt } = inspection;
  return {
    title: `${kind === "unknown" ? "A" : `An ${kind}`} token`.replace(/^An (capability|context)/, "A $1"),
    facts: [...allows(inspection), ["until", untilOf(expiresAt, now)]],
    blocks: blocks.map((block) => ({
      title: titleOf(block),
      facts: [
        ["signed by", signerOf(block, rootKey)],
        ...(block.expiresAt === undefined ? [] : ([["ends", instant(block.expiresAt)]] as const)),
        ["revocation id", block.revocationId],
      ],
    })),
  };
}
