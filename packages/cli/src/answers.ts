import type { Answer } from "./call.ts";

/** The objects in a member of an answer; empty when it holds none. */
export function objectsIn(answer: Answer, member: string): readonly Answer[] {
  const value = answer[member];
  return Array.isArray(value) ? value.filter((item): item is Answer => typeof item === "object" && item !== null) : [];
}

/** The texts in a member of an answer. */
export function textsIn(answer: Answer, member: string): readonly string[] {
  const value = answer[member];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** A member that is text. */
export function textIn(answer: Answer, member: string): string | undefined {
  const value = answer[member];
  return typeof value === "string" ? value : undefined;
}
