import type { JsonValue } from "@countersign/protocol";

/** Where a claim is: `ref`, or inside of others as a JSON Pointer (RFC 6901): `/kubernetes.io/namespace`. */
export type ClaimPath = readonly string[];

/** What a path is, for messages. */
export const CLAIM_PATH_RULE =
  'must be the name of a claim, or a JSON Pointer into one: "/kubernetes.io/namespace"; names of at most 256 characters';

/** The steps of a path; `undefined` for what is none. */
export function parseClaimPath(text: string): ClaimPath | undefined {
  if (text === "" || text.length > 1024) return undefined;
  const steps = text.startsWith("/") ? text.slice(1).split("/").map(unescapeStep) : [text];
  const isSound = steps.length <= 8 && steps.every((step) => step !== undefined && step !== "" && step.length <= 256);
  return isSound ? steps.filter((step) => step !== undefined) : undefined;
}

function unescapeStep(step: string): string | undefined {
  return /~(?![01])/.test(step) ? undefined : step.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** The value at a path. Of own members only, so that nothing that all objects have passes for a claim. */
export function claimAt(claims: JsonValue, path: ClaimPath): JsonValue | undefined {
  let value: JsonValue | undefined = claims;
  for (const step of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, step))
      return undefined;
    value = (value as { readonly [name: string]: JsonValue })[step];
  }
  return value;
}
