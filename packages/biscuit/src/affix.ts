// Engines compare whole strings many characters at a time, but look for an affix one by one.

/** The same as `text.startsWith(part)`. */
export function startsWith(text: string, part: string): boolean {
  return text.slice(0, part.length) === part;
}

/** The same as `text.endsWith(part)`. */
export function endsWith(text: string, part: string): boolean {
  return part.length <= text.length && text.slice(text.length - part.length) === part;
}
