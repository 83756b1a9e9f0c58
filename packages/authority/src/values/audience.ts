/** The most audiences that a client, or the configuration, may name. */
export const mostAudiences = 50;

export const longestAudience = 512;

/** Whether a text can be an audience: a StringOrURI (RFC 7519 section 4.1.3), here without white space and controls. */
export function isAudience(text: string): boolean {
  return text.isWellFormed() && /^[^\s\p{Cc}]+$/u.test(text) && text.length <= longestAudience;
}
