import type { TokenCache } from "../cache.ts";
import { type TokenIdentity, tokenKey } from "../key.ts";
import { readAliriRecord, writeRecord } from "../record.ts";
import { readPrivate } from "./secure-file.ts";

/** Options of {@link aliriFileCache}. */
export interface AliriFileCacheOptions {
  readonly path: string;
  /** Whose token the file holds: the file itself does not say. */
  readonly identity: TokenIdentity;
}

/**
 * The token file of aliri_tokens' `FileTokenSource` as a layer to read from: put it behind a `fileCache`, and a service that
 * moves over starts with the token it has. It is never written.
 */
export function aliriFileCache(options: AliriFileCacheOptions): TokenCache {
  const ours = tokenKey(options.identity);
  return {
    name: "aliri file",
    async get(key) {
      const token = key === ours ? readAliriRecord((await readPrivate(options.path)) ?? "") : undefined;
      return token === undefined ? undefined : writeRecord(key, { token, skewMs: undefined });
    },
    async set() {},
  };
}
