/** What a secret of ours looks like: 256 bits in base64url. Somebody may have sent one in the place of a name. */
const likeSecret = /^[A-Za-z0-9_-]{43}$/;

const longest = 256;

/**
 * A name that a stranger sent, for the log: whoever looks for a mistake needs to see it. `undefined` for what may be a
 * secret in the wrong place, or is too long to be a name.
 */
export function nameable(text: string): string | undefined {
  return text.length > longest || likeSecret.test(text) ? undefined : text;
}
