import { z } from "zod";

const maxCharacters = 256;
const lineBreakOrControl = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** The size of a name. What else it may be is for {@link displayName} to say. */
export const displayNameSchema = z.string().min(1).max(maxCharacters);

/** The beginning of a text, at most `maxLength` UTF-16 units, never with half of a character at its end. */
export function beginningOf(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, "");
}

/** The name of a person or application as it is shown: NFC, trimmed; `undefined` when empty, too long or with controls. */
export function displayName(text: string): string | undefined {
  if (text.length > 2 * maxCharacters || !text.isWellFormed()) return undefined;
  const name = text.normalize("NFC").trim();
  const isSound = name !== "" && [...name].length <= maxCharacters && !lineBreakOrControl.test(name);
  return isSound ? name : undefined;
}
