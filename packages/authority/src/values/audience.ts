import { z } from "zod";

/** How many audiences a client, or the configuration, may name. */
export const MAX_AUDIENCES = 50;

const MAX_CHARACTERS = 512;

/** The size of an audience. Which characters it may have is for {@link isAudience} to say. */
export const audienceSchema = z.string().min(1).max(MAX_CHARACTERS);

/** What an audience is, for messages. */
export const AUDIENCE_RULE = `1 to ${MAX_CHARACTERS} characters without white space`;

/** Whether a text can be an audience: a StringOrURI (RFC 7519 section 4.1.3), here without white space and controls. */
export function isAudience(text: string): boolean {
  return text.isWellFormed() && /^[^\s\p{Cc}]+$/u.test(text) && text.length <= MAX_CHARACTERS;
}
