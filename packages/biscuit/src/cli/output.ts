import type { Biscuit, BlockInfo, Decision, UnverifiedBiscuit } from "../index.ts";

/** What a command gives back: text for people, and the same facts as JSON. */
export interface Output {
  readonly text: string;
  readonly json: unknown;
  /** The exit status. @default 0 */
  readonly status?: number;
}

/**
 * The text with control and format characters, line ends left out, as JSON writes them: tokens come from strangers, and
 * terminals obey some of these characters.
 */
export function visible(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (found) =>
    Array.from({ length: found.length }, (_, i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, "0")}`).join(""),
  );
}

/** The same on one line, so that nothing in it passes for another answer. */
export const oneLine = (text: string): string => visible(text).replaceAll("\n", "\\n");

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
  return { text: `${verdict}: ${oneLine(decision.reason)}\n`, json: decision, status: decision.allowed ? 0 : 1 };
}
