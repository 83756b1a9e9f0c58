/** JSON of a response, unchecked: it is shown, not trusted. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The objects in a member of a response; empty when it holds none. */
export function objectsIn(response: JsonObject, member: string): readonly JsonObject[] {
  const value = response[member];
  return Array.isArray(value)
    ? value.filter((item): item is JsonObject => typeof item === "object" && item !== null)
    : [];
}

/** The texts in a member of a response. */
export function textsIn(response: JsonObject, member: string): readonly string[] {
  const value = response[member];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** A member that is text. */
export function textIn(response: JsonObject, member: string): string | undefined {
  const value = response[member];
  return typeof value === "string" ? value : undefined;
}
