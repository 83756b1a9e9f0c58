import type { JsonObject } from "./call.ts";

/** The objects in a member of an answer; empty when it holds none. */
export function objectsIn(answer: JsonObject, member: string): readonly JsonObject[] {
  const value = answer[member];
  return Array.isArray(value)
    ? value.filter((item): item is JsonObject => typeof item === "object" && item !== null)
    : [];
}

/** The texts in a member of an answer. */
export function textsIn(answer: JsonObject, member: string): readonly string[] {
  const value = answer[member];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** A member that is text. */
export function textIn(answer: JsonObject, member: string): string | undefined {
  const value = answer[member];
  return typeof value === "string" ? value : undefined;
}
