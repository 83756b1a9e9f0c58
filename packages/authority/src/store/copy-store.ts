import type { Change, Item, Store } from "./store.ts";

/** What of a commit is taken up at once: below its bounds, whatever the items weigh. */
const ITEMS_PER_COMMIT = 7;

/** The parts that a copy needs. */
export type Copied = Pick<Store, "scan" | "get" | "commit">;

/**
 * Copies every item that lives to an empty store, of whatever engine, and compares both afterwards: nobody may write to either
 * meanwhile. Items have other versions there. Resolves to how many there were.
 *
 * @throws {Error} when the target is not empty, or what it holds in the end is not what the source holds.
 */
export async function copyStore(from: Copied, to: Copied): Promise<number> {
  for await (const item of itemsOf(to))
    throw new Error(`Cannot copy to a store that is not empty: it holds ${prefixOf(item)}`);
  const batch: Item[] = [];
  for await (const item of itemsOf(from)) {
    batch.push(item);
    if (batch.length === ITEMS_PER_COMMIT) await write(to, batch.splice(0));
  }
  await write(to, batch);
  return compare(from, to);
}

async function write(to: Copied, items: readonly Item[]): Promise<void> {
  if (items.length === 0) return;
  const changes = items.map(({ key, value, owner, expiresAt }): Change => {
    const draft = { value, ...(owner !== undefined && { owner }), ...(expiresAt !== undefined && { expiresAt }) };
    return { key, expectedVersion: 0, draft };
  });
  const { failed } = await to.commit(changes);
  if (failed !== undefined)
    throw new Error(
      "Somebody else writes to the store that is copied to: stop every server, and begin with an empty one",
    );
}

async function compare(from: Copied, to: Copied): Promise<number> {
  let count = 0;
  for await (const item of itemsOf(from)) {
    if (textOf(await to.get(item.key)) !== textOf(item)) throw changed(item);
    count += 1;
  }
  let copied = 0;
  for await (const _ of itemsOf(to)) copied += 1;
  // What expired since counts on neither side, or on one: then it is not there.
  if (copied > count)
    for await (const item of itemsOf(to)) if ((await from.get(item.key)) === undefined) throw changed(item);
  return count;
}

function changed(item: Item): Error {
  return new Error(
    `The store was written to while it was copied: ${prefixOf(item)}; stop every server, and begin with an empty target`,
  );
}

/** Keys hold names: their prefix says enough. */
function prefixOf({ key }: Item): string {
  return `${key.split("#", 1)[0]}#…`;
}

function textOf(item: Item | undefined): string {
  return JSON.stringify([item?.value, item?.owner, item?.expiresAt]);
}

async function* itemsOf(store: Copied): AsyncGenerator<Item> {
  if (store.scan === undefined) throw new Error("This engine cannot be copied");
  let next: string | undefined;
  do {
    const part = await store.scan(next);
    yield* part.items;
    next = part.next;
  } while (next !== undefined);
}
