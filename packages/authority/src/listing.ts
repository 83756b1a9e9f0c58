import { CountersignError, defined } from "@countersign/protocol";
import type { Store } from "./store/store.ts";
import { isId } from "./values/id.ts";

/** Which values of an owner are wanted. */
export interface Listing<Value> {
  /** How many at most; 1 to 1,000. */
  readonly limit: number;
  /** The key after which to start. */
  readonly after?: string | undefined;
  /** @default every value */
  readonly matches?: ((value: Value) => boolean) | undefined;
}

/** A page is read on the thread that serves everybody: a long search must not keep grants waiting. */
const PAGE_SIZE = 100;

/** The values of an owner that match, in the order of their keys. Reads page after page until it has enough of them. */
export async function listMatching<Value>(
  store: Store,
  owner: string,
  { limit, after, matches }: Listing<Value>,
): Promise<readonly Value[]> {
  const found: Value[] = [];
  let start = after;
  for (;;) {
    const size = matches === undefined ? Math.min(limit - found.length, PAGE_SIZE) : PAGE_SIZE;
    const page = await store.list<Value>(owner, { limit: size, ...defined({ after: start }) });
    for (const { value } of page) {
      if (found.length < limit && (matches?.(value) ?? true)) found.push(value);
    }
    start = page.at(-1)?.key;
    if (found.length >= limit || page.length < size) return found;
  }
}

/**
 * Checks the id after which a listing goes on.
 *
 * @throws {CountersignError} `invalid_request` when it cannot be an id.
 */
export function checkAfter(id: string): string {
  if (!isId(id)) throw new CountersignError("invalid_request", { hint: "The listing cannot go on after this id" });
  return id;
}
