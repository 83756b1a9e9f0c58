import { CountersignError } from "@countersign/protocol";
import type { Change, CommitResult, Draft, Item, Store } from "./store.ts";

/** What is to become of an item. */
export interface Edit<Value> {
  /** What the item becomes. @default it is removed */
  readonly draft?: Draft<Value>;
  /** What is committed with it, all or nothing. */
  readonly also?: readonly Change[];
}

/** Makes the changes of an edit, all or none. */
export type CommitEdit<Made> = (changes: readonly Change[], made: Made) => Promise<CommitResult>;

/** Lost races in a row before giving up: the key is written to all the time. */
const MAX_ATTEMPTS = 64;

/**
 * Reads an item, has it edited, and commits the edit, again and again until nobody else was faster. An edit that returns
 * `undefined` leaves everything as it is. Resolves to the edit that was committed, or to `undefined`.
 *
 * @throws {CountersignError} `conflict` when too many others were faster; and whatever the edit throws, nothing changed.
 */
export async function updateItem<Value, Made extends Edit<Value>>(
  store: Pick<Store, "get" | "commit">,
  key: string,
  edit: (item: Item<Value> | undefined) => Made | undefined | Promise<Made | undefined>,
  commit: CommitEdit<Made> = (changes) => store.commit(changes),
): Promise<Made | undefined> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const item = await store.get<Value>(key);
    const made = await edit(item);
    if (made === undefined) return undefined;
    const { failed } = await commit([changeOf(key, item, made.draft), ...(made.also ?? [])], made);
    if (failed === undefined) return made;
  }
  throw new CountersignError("conflict", { detail: "others were faster, again and again" });
}

function changeOf(key: string, item: Item | undefined, draft: Draft | undefined): Change {
  const expectedVersion = item?.version ?? 0;
  return draft === undefined ? { key, expectedVersion, remove: true } : { key, expectedVersion, draft };
}
