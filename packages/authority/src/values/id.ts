import { z } from "zod";

/** Ids of users, clients and families: safe in keys, URLs, headers and logs. */
const ID_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;

/** The characters of an id. Whether a URL can name it is for {@link isId} to say. */
export const idSchema = z.string().regex(ID_PATTERN, "must be 1 to 64 of A-Z a-z 0-9 . _ -");

/**
 * Whether a text can be an id at all. What cannot is looked up nowhere, so no input reaches a key unchecked. Nor can a dot
 * segment (RFC 3986 section 5.2.4): URLs lose it on their way, escaped or not, so whatever had it as its id could never
 * be named again.
 */
export function isId(text: string): boolean {
  return ID_PATTERN.test(text) && !isDotSegment(text);
}

/** Whether a path loses this segment. */
export function isDotSegment(text: string): boolean {
  return text === "." || text === "..";
}
