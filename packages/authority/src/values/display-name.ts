import { z } from "zod";

const MAX_CHARACTERS = 256;
const LINE_BREAK_OR_CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** The size of a name. What else it may be is for {@link displayName} to say. */
export const displayNameSchema = z.string().min(1).max(MAX_CHARACTERS);

/** The beginning of a text, at most `maxLength` UTF-16 units, never with half of a character at its end. */
export function beginningOf(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, "");
}

/** The name of a person or application as it is shown: NFC, trimmed; `undefined` when empty, too long or with controls. */
export function displayName(text: string): string | undefined {
  if (text.length > 2 * MAX_CHARACTERS || !text.isWellFormed()) return undefined;
  const name = text.normalize("NFC").trim();
  const isSound = name !== "" && [...name].length <= MAX_CHARACTERS && !LINE_BREAK_OR_CONTROL.test(name);
  return isSound ? name : undefined;
}
