/** Longer texts are no names. */
const LONGEST = 256;

/** What breaks a line, cannot be seen, or turns the direction of writing. */
const UNPRINTABLE = /[\p{C}\p{Z}]/u;

/**
 * What may be a secret in the place of a name, ours among them: secrets of clients are 43 characters of base64url, codes of
 * invitations and passwords that are made here 24, a refresh token has runs of 22 and more.
 */
const likeSecrets: readonly ((text: string) => boolean)[] = [
  (text) => (text.match(/[A-Za-z0-9_-]{20,}/g) ?? []).some(looksRandom),
  // Base64 beyond base64url.
  (text) => (text.match(/[A-Za-z0-9+/]{20,}={0,2}/g) ?? []).some(looksRandom),
  (text) => /(?:^|[^0-9a-f])[0-9a-f]{40,}/i.test(text),
  (text) => text.includes("csr_"),
  // A JWT, or what is left of one that was cut: its header begins with {".
  (text) => /(?:^|[^A-Za-z0-9])eyJ/.test(text),
  // The credentials of Basic (RFC 7617 section 2).
  (text) => /^[^:@]*:(?!\/\/)[^:@]*$/.test(fromBase64(text) ?? ""),
];

/** Random text mixes capitals and small letters with digits, or changes between them at every second character: no name does. */
function looksRandom(run: string): boolean {
  if (run.length === 43) return true;
  if (!/[a-z]/.test(run) || !/[A-Z]/.test(run)) return false;
  const parts = run.match(/[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]/g) ?? [];
  return /[0-9]/.test(run) || parts.length > 0.4 * run.length;
}

/** What a text says in base64, where that is printable. */
function fromBase64(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/_-]{4,}={0,2}$/.test(text)) return undefined;
  const decoded = Buffer.from(text, "base64").toString("latin1");
  return /^[\x20-\x7e]+$/.test(decoded) ? decoded : undefined;
}

/**
 * A name that a stranger sent, for the log: whoever looks for a mistake needs to see it. `undefined` for what may be a
 * secret in the wrong place, is too long to be a name, or cannot be shown on a line. A password in the place of a name
 * cannot be told from one.
 */
export function nameable(text: string): string | undefined {
  if (text.length > LONGEST || UNPRINTABLE.test(text)) return undefined;
  return likeSecrets.some((isLike) => isLike(text)) ? undefined : text;
}
