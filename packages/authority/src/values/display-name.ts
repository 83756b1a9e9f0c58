const mostCharacters = 256;
const lineBreakOrControl = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** The beginning of a text, at most so many UTF-16 units, never with half of a character at its end. */
export function beginningOf(text: string, most: number): string {
  return text.slice(0, most).replace(/[\uD800-\uDBFF]$/, "");
}

/** The name of a person or an application as it is shown: NFC, trimmed; `undefined` when empty, overlong or with controls. */
export function displayName(text: string): string | undefined {
  if (text.length > 2 * mostCharacters || !text.isWellFormed()) return undefined;
  const name = text.normalize("NFC").trim();
  const isSound = name !== "" && [...name].length <= mostCharacters && !lineBreakOrControl.test(name);
  return isSound ? name : undefined;
}
