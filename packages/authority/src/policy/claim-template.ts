import type { JsonObject } from "@countersign/protocol";
import { type ClaimPath, claimAt, parseClaimPath } from "./claim-path.ts";

/** A text that claims are put into: `github:{repository}`. */
export interface ClaimTemplate {
  readonly source: string;
  /**
   * The text for a token; `undefined` where a claim is missing, is neither text nor whole number, or holds what stands behind
   * it in the template, so that two tokens could come to the same text.
   */
  fill(claims: JsonObject): string | undefined;
}

/** What a template is, for messages. */
export const TEMPLATE_RULE =
  'must be text with claims in braces, "github:{repository}" or "k8s:{/kubernetes.io/namespace}:{sub}", with text between two of them';

const MAX_LENGTH = 512;

interface Part {
  readonly literal: string;
  /** The claim after it; the last part has none. */
  readonly path?: ClaimPath;
}

/** Compiles a template; `undefined` for what is none. */
export function compileTemplate(source: string): ClaimTemplate | undefined {
  if (source.length === 0 || source.length > MAX_LENGTH) return undefined;
  const parts = partsOf(source);
  if (parts === undefined) return undefined;
  return { source, fill: (claims) => fill(parts, claims) };
}

/** The literal texts of a template, joined: what every filled one has. */
export function literalsOf(source: string): string {
  return source.replace(/\{[^{}]*\}/g, "");
}

function partsOf(source: string): readonly Part[] | undefined {
  const pieces = source.split(/\{([^{}]*)\}/);
  const parts: Part[] = [];
  for (let at = 0; at < pieces.length; at += 2) {
    const literal = pieces[at] ?? "";
    const name = pieces[at + 1];
    const path = name === undefined ? undefined : parseClaimPath(name);
    const isUnclear = /[{}]/.test(literal) || (name !== undefined && path === undefined);
    // Between two claims there must be something that parts them.
    if (isUnclear || (at > 0 && name !== undefined && literal === "")) return undefined;
    parts.push({ literal, ...(path === undefined ? {} : { path }) });
  }
  return parts;
}

function fill(parts: readonly Part[], claims: JsonObject): string | undefined {
  let text = "";
  for (const [at, { literal, path }] of parts.entries()) {
    text += literal;
    if (path === undefined) continue;
    const value = printed(claimAt(claims, path));
    const delimiter = parts[at + 1]?.literal.at(0);
    if (value === undefined || (delimiter !== undefined && value.includes(delimiter))) return undefined;
    text += value;
  }
  return text.length <= MAX_LENGTH ? text : undefined;
}

function printed(value: unknown): string | undefined {
  if (typeof value === "string" && value !== "") return value;
  return Number.isSafeInteger(value) ? String(value) : undefined;
}
