/** Parses JSON to a value that nobody can change, so that one reading of an item can serve every caller. */
export function parseFrozen(text: string): unknown {
  return frozen(JSON.parse(text));
}

function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}
