import type { Biscuit, BlockInfo, Decision, UnverifiedBiscuit } from "../index.ts";

/** What a command gives back: text for people, and the same facts as JSON. */
export interface Output {
  readonly text: string;
  readonly json: unknown;
  /** The exit status. @default 0 */
  readonly status?: number;
}

const indent = (text: string, by: string): string => text.replace(/^(?=.)/gm, by);

function blockTitle({ index, externalKey }: BlockInfo): string {
  if (externalKey !== undefined) return `block ${index}, signed by ${externalKey}`;
  return index === 0 ? "authority" : `block ${index}`;
}

function blockTree(block: BlockInfo): string {
  const lines = [
    `├─ Datalog version ${block.version}`,
    `├─ revocation id ${block.revocationId}`,
    ...(block.context === undefined ? [] : [`├─ context ${JSON.stringify(block.context)}`]),
    "└─ source",
  ];
  return `${blockTitle(block)}\n${lines.join("\n")}\n${indent(block.source || "(nothing)\n", "     ")}`;
}

function blockJson(block: BlockInfo): object {
  const { index, version, source, context, revocationId, symbols, publicKeys } = block;
  return {
    index,
    version,
    source,
    context,
    externalKey: block.externalKey?.toString(),
    revocationId,
    symbols,
    publicKeys,
  };
}

/** A token as a tree. */
export function tokenOutput(token: Biscuit | UnverifiedBiscuit, state: "verified" | "not verified"): Output {
  const { blocks, rootKeyId, isSealed } = token;
  const head = [
    `token, ${state}`,
    `├─ root key id ${rootKeyId ?? "(none)"}`,
    `├─ ${isSealed ? "sealed" : "open: its holder can narrow it"}`,
    `└─ ${blocks.length} ${blocks.length === 1 ? "block" : "blocks"}`,
  ];
  return {
    text: `${head.join("\n")}\n\n${blocks.map(blockTree).join("\n")}`,
    json: { state, rootKeyId, isSealed, blocks: blocks.map(blockJson) },
  };
}

/** A verdict, with exit status 1 for a refusal. */
export function decisionOutput(decision: Decision): Output {
  const verdict = decision.allowed ? "allowed" : "denied";
  return { text: `${verdict}: ${decision.reason}\n`, json: decision, status: decision.allowed ? 0 : 1 };
}
