import { isLeasing, type LeasingCache, type TokenCache } from "../cache.ts";
import { base64url, fromBase64url, fromUtf8, utf8 } from "../encoding.ts";
import { type Random, systemRandom } from "../ports.ts";

/** Options of {@link sealedCache}. */
export interface SealedCacheOptions {
  /** 32 bytes each. The first one seals, all open: put a new key first to change keys. */
  readonly keys: readonly Uint8Array<ArrayBuffer>[];
  /** Where the nonces of AES-GCM come from. @default systemRandom */
  readonly random?: Random;
}

/**
 * Encrypts what a cache keeps with AES-256-GCM. The entry's key is authenticated with it, so that an entry moved to another
 * name does not open. To get what does not open is an error, which keepers treat as a miss and tell of.
 *
 * @throws RangeError when there is no key, or one has not 32 bytes.
 *
 * @example
 * ```ts run
 * import { memoryCache, sealedCache, systemRandom } from "@countersign/token-keeper";
 * const inner = memoryCache();
 * const cache = sealedCache(inner, { keys: [systemRandom.bytes(32)] });
 * await cache.set("key", "value");
 * console.log(await cache.get("key"), (await inner.get("key"))?.includes("value")); // value false
 * ```
 */
export function sealedCache(inner: LeasingCache, options: SealedCacheOptions): LeasingCache;
export function sealedCache(inner: TokenCache, options: SealedCacheOptions): TokenCache;
export function sealedCache(inner: TokenCache, options: SealedCacheOptions): TokenCache {
  const { keys, random = systemRandom } = options;
  if (keys.length === 0) throw new RangeError("Cannot seal without a key: give one or more of 32 random bytes");
  for (const { length } of keys)
    if (length !== 32) throw new RangeError(`Cannot use a key of ${length} bytes: give 32 random bytes`);
  const imported = keys.map((key) => crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]));
  const sealed: TokenCache = {
    name: `sealed ${inner.name}`,
    async get(key) {
      const text = await inner.get(key);
      return text === undefined ? undefined : open(key, text, imported);
    },
    async set(key, value, expiresAt) {
      const [first] = imported;
      if (first === undefined) return;
      const iv = random.bytes(12);
      const box = await crypto.subtle.encrypt(parameters(key, iv), await first, utf8(value));
      await inner.set(key, `sealed1.${base64url(iv)}.${base64url(new Uint8Array(box))}`, expiresAt);
    },
  };
  if (!isLeasing(inner)) return sealed;
  const leasing: LeasingCache = { ...sealed, lease: (key, ttlMs) => inner.lease(key, ttlMs) };
  return leasing;
}

async function open(key: string, text: string, keys: readonly Promise<CryptoKey>[]): Promise<string> {
  const [version, iv, box] = text.split(".");
  if (version !== "sealed1" || iv === undefined || box === undefined)
    throw new Error("Cannot open an entry that is not sealed: remove it, or read it without sealedCache");
  for (const candidate of keys) {
    try {
      const plain = await crypto.subtle.decrypt(
        parameters(key, fromBase64url(iv)),
        await candidate,
        fromBase64url(box),
      );
      return fromUtf8(new Uint8Array(plain));
    } catch {}
  }
  throw new Error(
    "Cannot open an entry: sealed under another key or name, or damaged; keep an old key behind the new one",
  );
}

function parameters(key: string, iv: Uint8Array<ArrayBuffer>) {
  return { name: "AES-GCM", iv, additionalData: utf8(key) };
}
