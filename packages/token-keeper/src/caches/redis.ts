import type { Lease, LeasingCache } from "../cache.ts";
import { type Clock, systemClock } from "../clock.ts";
import { base64url, sha256 } from "../encoding.ts";
import { type Random, systemRandom } from "../random.ts";

/** A connected client of `ioredis`, or of `redis` (node-redis 4 and later). */
export type RedisClient =
  | { call(command: string, ...parameters: string[]): Promise<unknown> }
  | { sendCommand(command: string[]): Promise<unknown> };

/** Options of {@link redisCache}. */
export interface RedisCacheOptions {
  readonly client: RedisClient;
  /** Before every key. @default "countersign:" */
  readonly prefix?: string;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Removes the lease only while it is ours. */
const releaseScript = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end return 0";

/**
 * A cache and leases in Redis: `SET PX` for entries, `SET NX PX` for leases, so that the server's clock ends both.
 * Wrap it in `sealedCache` when others read the same Redis.
 */
export function redisCache(options: RedisCacheOptions): LeasingCache {
  const { client, prefix = "countersign:", clock = systemClock, random = systemRandom } = options;
  const send = async (...command: [string, ...string[]]) => {
    try {
      return await ("call" in client ? client.call(...command) : client.sendCommand(command));
    } catch (error) {
      throw new Error(`Cannot ${command[0]} in Redis: ${reasonOf(error)}`);
    }
  };
  const named = async (kind: string, key: string) => `${prefix}${kind}:${await sha256(key)}`;
  return {
    name: "redis",
    async get(key) {
      const value = await send("GET", await named("token", key));
      if (typeof value === "string") return value;
      // A miss would say that no refresh token was ever stored, and have one sent that is spent.
      if (value !== null) throw new Error("Cannot GET in Redis: the client does not answer with text");
      return undefined;
    },
    async set(key, value, expiresAt) {
      const name = await named("token", key);
      if (expiresAt === undefined) return void (await send("SET", name, value));
      const ttlMs = Math.floor(expiresAt - clock.now());
      await (ttlMs > 0 ? send("SET", name, value, "PX", `${ttlMs}`) : send("DEL", name));
    },
    async lease(key, ttlMs): Promise<Lease | undefined> {
      const [name, owner] = [await named("lease", key), base64url(random.bytes(16))];
      if ((await send("SET", name, owner, "NX", "PX", `${ttlMs}`)) !== "OK") return undefined;
      return { takenOver: false, release: async () => void (await send("EVAL", releaseScript, "1", name, owner)) };
    },
  };
}

/**
 * What Redis or the connection had against a command. A client's own error is no cause to keep: ioredis puts the whole
 * command on it, and an unknown command's message repeats its parameters, both of which hold live tokens.
 */
function reasonOf(error: unknown): string {
  const { message } = error instanceof Error ? error : new Error("unknown");
  // Replies begin with a code in capitals: https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
  return /^[A-Z][A-Z0-9_]*(?= )/.exec(message)?.[0] ?? message;
}
