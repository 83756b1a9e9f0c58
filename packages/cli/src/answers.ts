import type { Answer, Api } from "./api.ts";

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

/** Every object of a paged listing, page by page, at most `limit`. */
export async function listAll(
  api: Api,
  { path, member, search, limit = 1000 }: { path: string; member: string; search?: string | undefined; limit?: number },
): Promise<readonly Answer[]> {
  const found: Answer[] = [];
  let after: string | undefined;
  do {
    const pageSize = String(Math.min(200, limit - found.length));
    const page = await api.get(path, { search, limit: pageSize, after });
    found.push(...objectsIn(page, member));
    after = textIn(page, "next");
  } while (after !== undefined && found.length < limit);
  return found;
}
