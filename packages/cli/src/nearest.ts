/** The candidate that a misspelt word was probably meant to be; `undefined` when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const near = candidates
    .map((candidate) => ({ candidate, distance: distanceOf(word, candidate) }))
    .filter(({ candidate, distance }) => distance <= allowedDistance(word, candidate));
  return near.sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

/** One letter in three, at least one. Whole words that both begin with say nothing: COUNTERSIGN_, a section, a group. */
function allowedDistance(word: string, candidate: string): number {
  let shared = 0;
  for (const [at, letter] of [...word].entries()) {
    if (letter !== candidate[at]) break;
    if (/[ ._-]/.test(letter)) shared = at + 1;
  }
  return Math.max(1, Math.floor((word.length - shared) / 3));
}

/** Levenshtein distance. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
