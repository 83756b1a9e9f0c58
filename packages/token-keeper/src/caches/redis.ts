import type { Lease, LeasingCache } from "../cache.ts";
import { base64url, sha256 } from "../encoding.ts";
import { type Clock, type Random, systemClock, systemRandom } from "../ports.ts";

/** A connected client or cluster of `ioredis`, or of `redis` (node-redis 4 and later). */
export type RedisClient =
  | { call(command: string, ...parameters: string[]): Promise<unknown> }
  | { sendCommand(command: string[]): Promise<unknown> }
  | RedisCluster;

/** What `createCluster` of `redis` makes: it wants the key, to find the node, and whether a replica will do. */
export interface RedisCluster {
  /** Tells a cluster from a client. */
  readonly masters: unknown;
  /** Sends a command to the node that has the key. */
  sendCommand(key: string, isReadonly: boolean, command: string[]): Promise<unknown>;
}

/** Options of {@link redisCache}. */
export interface RedisCacheOptions {
  /** A connected client; the caller closes it. */
  readonly client: RedisClient;
  /** Before every key. @default "countersign:" */
  readonly prefix?: string;
  /** The clock that an expiry is turned into a time to live with. @default systemClock */
  readonly clock?: Clock;
  /** Where the names of lease owners come from. @default systemRandom */
  readonly random?: Random;
}

/** Removes the lease only while it is ours. */
const RELEASE_SCRIPT = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end return 0";

/**
 * A cache and leases in Redis: `SET PX` for entries, `SET NX PX` for leases, so that the server's clock ends both.
 * Wrap it in `sealedCache` when others read the same Redis.
 *
 * @example
 * ```ts run
 * import { Redis } from "ioredis";
 * import { TokenManager } from "@countersign/token-keeper";
 * import { redisCache } from "@countersign/token-keeper/redis";
 * const client = new Redis({ lazyConnect: true });
 * await using manager = new TokenManager({ caches: [redisCache({ client })] });
 * console.log(manager.health().healthy); // true
 * ```
 */
export function redisCache(options: RedisCacheOptions): LeasingCache {
  const { client, prefix = "countersign:", clock = systemClock, random = systemRandom } = options;
  const send = async (key: string, ...command: [string, ...string[]]) => {
    try {
      if ("call" in client) return await client.call(...command);
      // Never from a replica, which may not know yet what was written.
      return await ("masters" in client ? client.sendCommand(key, false, command) : client.sendCommand(command));
    } catch (error) {
      throw new Error(`Cannot ${command[0]} in Redis: ${reasonOf(error)}`);
    }
  };
  const named = (kind: string, key: string) => `${prefix}${kind}:${sha256(key)}`;
  return {
    name: "redis",
    async get(key) {
      const name = named("token", key);
      const value = await send(name, "GET", name);
      if (typeof value === "string") return value;
      // A miss would say that no refresh token was ever stored, and have one sent that is spent.
      if (value !== null)
        throw new Error(
          "Cannot GET in Redis: the client does not answer with text; give one that does not map replies",
        );
      return undefined;
    },
    async set(key, value, expiresAt) {
      const name = named("token", key);
      if (expiresAt === undefined) return void (await send(name, "SET", name, value));
      const ttlMs = Math.floor(expiresAt - clock.now());
      await (ttlMs > 0 ? send(name, "SET", name, value, "PX", `${ttlMs}`) : send(name, "DEL", name));
    },
    async lease(key, ttlMs): Promise<Lease | undefined> {
      const [name, owner] = [named("lease", key), base64url(random.bytes(16))];
      if ((await send(name, "SET", name, owner, "NX", "PX", `${ttlMs}`)) !== "OK") return undefined;
      return {
        takenOver: false,
        release: async () => void (await send(name, "EVAL", RELEASE_SCRIPT, "1", name, owner)),
      };
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
