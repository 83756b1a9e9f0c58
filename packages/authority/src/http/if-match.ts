import { CountersignError } from "@countersign/protocol";
import type { HttpRequest } from "./message.ts";

/** What a request says of the version that it changes. */
export interface Precondition {
  /** Whether it said anything. */
  readonly isGiven: boolean;
  /** Whether a version fits it. */
  readonly fits: (etag: string | undefined) => boolean;
}

const STRONG_TAG = /^"([!#-~]*)"$/;

/**
 * The preconditions of a change: If-Match (RFC 9110 section 13.1.1), compared strongly, and `If-None-Match: *` (section
 * 13.1.2), which is for what is not there yet.
 *
 * @throws {CountersignError} `invalid_request` for what is no list of entity tags.
 */
export function preconditionOf({ headers }: Pick<HttpRequest, "headers">): Precondition {
  const match = headers.get("if-match")?.trim();
  const noneMatch = headers.get("if-none-match")?.trim();
  if (noneMatch !== undefined && noneMatch !== "*") throw malformed("If-None-Match is understood as * only here");
  const isAbsentMeant = noneMatch === "*";
  const tags = match === undefined || match === "*" ? undefined : tagsOf(match);
  return {
    isGiven: match !== undefined || isAbsentMeant,
    fits: (etag) => {
      if (isAbsentMeant && etag !== undefined) return false;
      if (match === undefined) return true;
      return etag !== undefined && (tags === undefined || tags.includes(etag));
    },
  };
}

/** Weak tags never match strongly, so they are passed over. */
function tagsOf(list: string): readonly string[] {
  const parts = list.split(",").map((part) => part.trim());
  if (!parts.every((part) => STRONG_TAG.test(part.replace(/^W\//, "")))) {
    throw malformed('If-Match takes entity tags in quotes: If-Match: "7"');
  }
  return parts.filter((part) => STRONG_TAG.test(part));
}

function malformed(hint: string): CountersignError {
  return new CountersignError("invalid_request", { hint });
}
