import type { InspectedBlock, TokenInspection } from "@countersign/protocol/capability";
import { standingOf } from "./spans.ts";

/** A block of the tokens that are drawn, with what was appended to it. */
export interface LineageNode {
  /** What the block does: `identity`, `delegation`, `narrowing`, `attestation` and the others of inspection. */
  readonly role: string;
  /** Whom or what it names. */
  readonly name: string;
  /** Key text of the third party that signed it; null for the authority and for holders. */
  readonly signed_by: string | null;
  /** Seconds since the epoch: the earliest end of this block and those above. */
  readonly expiry: number | null;
  readonly revocation_id: string;
  /** The saved tokens that end with this block. */
  readonly tokens: string[];
  readonly children: LineageNode[];
}

/** A token that is drawn. */
export interface DrawnToken {
  /** How it is saved; absent for one that is not. */
  readonly name?: string | undefined;
  readonly inspection: TokenInspection;
}

function authorityName(inspection: TokenInspection): readonly [role: string, name: string] {
  if (inspection.kind === "identity") return ["identity", inspection.subject];
  if (inspection.kind === "context") return ["context", inspection.subject];
  if (inspection.kind === "unknown") return ["unknown", "unknown"];
  const rights = inspection.rights.map(({ subject, resource, operation }) => `${subject} ${operation} ${resource}`);
  return [inspection.kind, rights.join(", ")];
}

function nameOf(block: InspectedBlock, inspection: TokenInspection): readonly [role: string, name: string] {
  if (block.role === "authority") return authorityName(inspection);
  if (block.role === "delegation") return [block.role, block.identity];
  if (block.role === "attestation") return [block.role, block.service];
  if (block.role === "signoff") return [block.role, block.component];
  if (block.role === "prefix") return [block.role, block.prefix];
  if (block.role === "exposure") return [block.role, block.labels.join(", ")];
  return [block.role, block.role];
}

/** The end of a block that was appended to one which ends then. */
function earlier(above: number | null, expiresAt: number | undefined): number | null {
  const own = expiresAt === undefined ? null : expiresAt / 1000;
  if (above === null || own === null) return above ?? own;
  return Math.min(above, own);
}

function nodeFor(
  siblings: LineageNode[],
  block: InspectedBlock,
  above: number | null,
  inspection: TokenInspection,
): LineageNode {
  const { revocationId, externalKey = null, expiresAt } = block;
  const known = siblings.find(({ revocation_id }) => revocation_id === revocationId);
  if (known !== undefined) return known;
  const [role, name] = nameOf(block, inspection);
  const expiry = earlier(above, expiresAt);
  const made = { role, name, signed_by: externalKey, expiry, revocation_id: revocationId, tokens: [], children: [] };
  siblings.push(made);
  return made;
}

/** Joins tokens at the blocks that they share: a block that was appended to another stands below it. */
export function lineageOf(tokens: readonly DrawnToken[]): readonly LineageNode[] {
  const roots: LineageNode[] = [];
  for (const { name, inspection } of tokens) {
    let siblings = roots;
    let last: LineageNode | undefined;
    for (const block of inspection.blocks) {
      last = nodeFor(siblings, block, last?.expiry ?? null, inspection);
      siblings = last.children;
    }
    if (name !== undefined && last !== undefined && !last.tokens.includes(name)) last.tokens.push(name);
  }
  return roots;
}

const marks: Readonly<Record<string, (name: string) => string>> = {
  identity: (name) => name,
  delegation: (name) => name,
  narrowing: () => "shortened",
  attestation: (name) => `attested for ${name}`,
  signoff: (name) => `signed off by ${name}`,
  prefix: (name) => `prefix ${name}`,
};

function labelOf({ role, name, expiry, tokens }: LineageNode, now: number): string {
  const { status, expires_in_human } = standingOf(expiry === null ? undefined : expiry * 1000, now);
  const end =
    status === "unknown" ? "" : status === "expired" ? `  expired ${expires_in_human}` : `  ends ${expires_in_human}`;
  const saved = tokens.length === 0 ? "" : `  [${tokens.join(", ")}]`;
  return `${(marks[role] ?? (() => `${role}: ${name}`))(name)}${end}${saved}`;
}

/** Draws tokens as a tree, a line for each block. @param now Milliseconds since the epoch */
export function treeLines(nodes: readonly LineageNode[], now: number, indent?: string): readonly string[] {
  return nodes.flatMap((node, at) => {
    const isLast = at === nodes.length - 1;
    const [own, below] = indent === undefined ? ["", ""] : isLast ? ["└─ ", "   "] : ["├─ ", "│  "];
    return [`${indent ?? ""}${own}${labelOf(node, now)}`, ...treeLines(node.children, now, `${indent ?? ""}${below}`)];
  });
}
