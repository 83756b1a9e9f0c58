/** A host name in lower case (RFC 1123 section 2.1), of whose labels a star stands for one or a part of one. */
export function isHostPattern(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9*_-]+(?:\.[a-z0-9*_-]+)*$/.test(text);
}

/** Whether a host name fits a pattern. Upper case does not count (RFC 4343), and a star stays within its label. */
export function fitsHostPattern(host: string, pattern: string): boolean {
  const [names, wanted] = [host.toLowerCase().split("."), pattern.split(".")];
  return names.length === wanted.length && wanted.every((label, at) => fitsLabel(names[at] ?? "", label));
}

/** A star stands for one character or more (RFC 6125 section 6.4.3). Each part is found at its first place: no text is slow. */
function fitsLabel(label: string, pattern: string): boolean {
  const parts = pattern.split("*");
  const [first = "", ...rest] = parts;
  if (rest.length === 0) return label === pattern;
  const last = rest.pop() ?? "";
  if (!/^[a-z0-9_-]+$/.test(label) || !label.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = label.indexOf(part, at + 1);
    if (found < 0) return false;
    at = found + part.length;
  }
  return label.endsWith(last) && label.length > at + last.length;
}
