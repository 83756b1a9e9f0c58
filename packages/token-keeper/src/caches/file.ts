import { join } from "node:path";
import type { LeasingCache } from "../cache.ts";
import { base64url, sha256 } from "../encoding.ts";
import { type Clock, type Random, systemClock, systemRandom } from "../ports.ts";
import { FileLeases } from "./file-lease.ts";
import { sealedCache } from "./sealed.ts";
import { readPrivate, requirePrivateFolder, writePrivate } from "./secure-file.ts";

/** Options of {@link fileCache}. */
export interface FileCacheOptions {
  /** A folder of this user alone; made when absent. One file per token. */
  readonly folder: string;
  /** Encrypt with AES-256-GCM under these keys of 32 bytes; the first one seals, all open. @default none: plain text */
  readonly keys?: readonly Uint8Array<ArrayBuffer>[];
  /** The clock that ends leases. @default systemClock */
  readonly clock?: Clock;
  /** Names temporary files and lease owners. @default systemRandom */
  readonly random?: Random;
}

/**
 * A cache, with leases, in files of mode 0600: replaced atomically, synced to disk; links, other owners and wider modes are
 * refused. For the processes of one machine, or of many over a file system with atomic creation.
 *
 * @example
 * ```ts run
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { fileCache } from "@countersign/token-keeper/node";
 * const folder = await mkdtemp(join(tmpdir(), "tokens-"));
 * const cache = fileCache({ folder });
 * await cache.set("key", "value");
 * console.log(await cache.get("key")); // value
 * await rm(folder, { recursive: true });
 * ```
 */
export function fileCache(options: FileCacheOptions): LeasingCache {
  const { folder, keys, clock = systemClock, random = systemRandom } = options;
  const leases = new FileLeases(clock, random);
  const pathOf = (key: string, ending: string) => join(folder, `${sha256(key)}.${ending}`);
  const files: LeasingCache = {
    name: "file",
    get: async (key) => readPrivate(pathOf(key, "json")),
    async set(key, value) {
      await requirePrivateFolder(folder);
      await writePrivate(pathOf(key, "json"), value, base64url(random.bytes(12)));
    },
    async lease(key, ttlMs) {
      await requirePrivateFolder(folder);
      return leases.lease(pathOf(key, "lock"), ttlMs);
    },
  };
  return keys === undefined ? files : { ...sealedCache(files, { keys, random }), name: "file" };
}
