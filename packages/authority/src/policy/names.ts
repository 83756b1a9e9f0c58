/** UTF-16 units of the longest name, as capability tokens have it. */
const MAX_NAME_LENGTH = 1024;

/** White space, controls, and what cannot be seen or turns text around: nobody reads in them what a machine compares. */
const UNSEEN = /[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

/** What a name is, for messages. */
export const NAME_RULE = `must be 1 to ${MAX_NAME_LENGTH} visible characters in Unicode's form NFC, without white space`;

/** What an identity is, for messages. */
export const IDENTITY_RULE = `${NAME_RULE}, and no empty part between, before or after colons`;

/**
 * Whether a text can name a resource, an operation or a client. Names are compared code point by code point, so a text that is
 * not in form NFC would look like another name and be a different one.
 */
export function isName(text: string): boolean {
  if (text.length === 0 || text.length > MAX_NAME_LENGTH || !text.isWellFormed()) return false;
  return !UNSEEN.test(text) && text.normalize("NFC") === text;
}

/** Whether a text can name an identity: its parts, between colons, are not empty. */
export function isIdentity(text: string): boolean {
  return isName(text) && !text.split(":").includes("");
}

/**
 * Whether an identity is a sub-identity of another: `a:b` is beneath `a`; `a`, `ab` and `a:` are not.
 *
 * @example
 * isBeneath("urn:hessra:alice:laptop", "urn:hessra:alice"); // true
 */
export function isBeneath(identity: string, ancestor: string): boolean {
  return identity.startsWith(`${ancestor}:`) && isIdentity(identity);
}

/** How many parts an identity has that its ancestor has not. */
export function depthBeneath(identity: string, ancestor: string): number {
  return identity.slice(ancestor.length).split(":").length - 1;
}

/** The identities above one, the nearest first: `a:b`, then `a`, for `a:b:c`. */
export function ancestorsOf(identity: string): readonly string[] {
  const parts = identity.split(":");
  return parts.slice(1).map((_, at) => parts.slice(0, parts.length - 1 - at).join(":"));
}
