import type { TokenCache } from "../cache.ts";
import { base64url } from "../encoding.ts";
import { type Random, systemRandom } from "../ports.ts";
import { readAliriRecord, readRecord, writeAliriRecord, writeRecord } from "../record.ts";
import { type TokenIdentity, tokenKey } from "../source.ts";
import { readPrivate, writePrivate } from "./secure-file.ts";

/** Options of {@link aliriFileCache}. */
export interface AliriFileCacheOptions {
  /** The token file. */
  readonly path: string;
  /** Whose token the file holds: the file itself does not say. */
  readonly identity: TokenIdentity;
  /** Names the temporary file. @default systemRandom */
  readonly random?: Random;
}

/**
 * The token file of aliri_tokens' `FileTokenSource` as a layer, read and written in that crate's format: put it behind a
 * `fileCache`, and a service that moves over starts with the token it has, and both can run side by side. It is replaced
 * atomically, with mode 0600. It holds no type but Bearer, no scope and no {@link Token.extra}: a token that has another
 * type is not written.
 */
export function aliriFileCache(options: AliriFileCacheOptions): TokenCache {
  const { path, random = systemRandom } = options;
  const ours = tokenKey(options.identity);
  return {
    name: "aliri file",
    async get(key) {
      const token = key === ours ? readAliriRecord((await readPrivate(path)) ?? "") : undefined;
      return token === undefined ? undefined : writeRecord(key, { token, skewMs: undefined });
    },
    async set(key, value) {
      const token = key === ours ? readRecord(key, value)?.token : undefined;
      if (token === undefined || token.tokenType.toLowerCase() !== "bearer" || token.issuedAt < 0) return;
      await writePrivate(path, writeAliriRecord(token), base64url(random.bytes(12)));
    },
  };
}
