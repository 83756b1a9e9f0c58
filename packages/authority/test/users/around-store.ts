import type { Store } from "../../src/store/store.ts";

/** One use of a store. */
export interface StoreCall {
  readonly verb: "get" | "commit" | "swap" | "take" | "list";
  /** The key, the first of a commit, or the owner of a listing. */
  readonly key: string;
  /** All keys of a commit. @default the key alone */
  readonly keys?: readonly string[];
}

/** What is done around each call: count it, delay it, fail it, or run it. */
export type Around = <T>(call: StoreCall, run: () => Promise<T>) => Promise<T>;

/** A store whose every call goes through `around`. */
export function aroundStore(store: Store, around: Around): Store {
  return {
    get: (key) => around({ verb: "get", key }, () => store.get(key)),
    commit: (changes, options) => {
      const keys = changes.map((change) => change.key);
      return around({ verb: "commit", key: keys[0] ?? "", keys }, () => store.commit(changes, options));
    },
    swap: (key, version, draft) => around({ verb: "swap", key }, () => store.swap(key, version, draft)),
    take: (key, version) => around({ verb: "take", key }, () => store.take(key, version)),
    list: (owner, page) => around({ verb: "list", key: owner }, () => store.list(owner, page)),
    close: () => store.close(),
  };
}
