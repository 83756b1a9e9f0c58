import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { publicClient, refreshTokenSource, systemClock, TokenError } from "@countersign/token-keeper";
import { type RedisClient, redisCache } from "@countersign/token-keeper/redis";
import { Redis } from "ioredis";
import { createClient, RESP_TYPES } from "redis";
import { aContext } from "../support/context.ts";
import { redisMissing, startRedis } from "../support/redis.ts";
import { startTokenServer } from "../support/token-server.ts";

interface Connected {
  readonly client: RedisClient;
  readonly run: (command: readonly string[]) => Promise<unknown>;
  readonly close: () => void;
}

const clients: Record<string, (path: string) => Promise<Connected>> = {
  async ioredis(path) {
    const client = new Redis(path);
    return { client, run: ([name = "", ...rest]) => client.call(name, ...rest), close: () => client.disconnect() };
  },
  async redis(path) {
    const client = createClient({ socket: { path, tls: false } });
    await client.connect();
    return { client, run: (command) => client.sendCommand(command), close: () => client.destroy() };
  },
};

const refusals: Record<string, readonly string[]> = {
  "is out of memory": ["CONFIG", "SET", "maxmemory", "1"],
  "may not be written": ["ACL", "SETUSER", "default", "-set"],
  "has become a replica": ["REPLICAOF", "127.0.0.1", "1"],
};

describe("redisCache()", { skip: redisMissing }, () => {
  for (const [library, connect] of Object.entries(clients)) {
    for (const [state, command] of Object.entries(refusals)) {
      it(`I23 tells with ${library} that Redis ${state}, and nothing of what was to be written`, async () => {
        await using redis = await startRedis();
        const { client, run, close } = await connect(redis.path);
        const cache = redisCache({ client });
        const lease = await cache.lease("key", 60_000);
        await run(command);
        const error = await cache.set("key", "at-secret").catch((thrown: unknown) => thrown);
        close();
        assert.notEqual(lease, undefined);
        assert.ok(error instanceof Error);
        assert.match(error.message, /^Cannot SET in Redis: [A-Z]+$/);
        assert.doesNotMatch(inspect(error, { depth: 12, showHidden: true }), /secret/);
      });
    }
  }

  it("takes no answer that is not text for a miss: the token that a login began with would be sent again", async () => {
    await using redis = await startRedis();
    const client = createClient({ socket: { path: redis.path, tls: false } });
    await client.connect();
    await redisCache({ client }).set("key", "value");
    const bytes = redisCache({ client: client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }) });
    const [missing, present] = await Promise.allSettled([bytes.get("other"), bytes.get("key")]);
    client.destroy();
    assert.deepEqual(missing, { status: "fulfilled", value: undefined });
    assert.equal(present.status, "rejected");
  });

  it("I23 keeps a refresh token that cannot be stored out of the error and the event", async () => {
    await using redis = await startRedis();
    await using server = await startTokenServer(() => ({
      body: { access_token: "at-secret", token_type: "Bearer", refresh_token: "rt-secret" },
    }));
    const client = new Redis(redis.path);
    const { lease: _lease, ...store } = redisCache({ client });
    const { tokenEndpoint } = server;
    const login = { tokenEndpoint, client: publicClient("app"), subject: "ada", refreshToken: "first-secret" };
    await client.call("ACL", "SETUSER", "default", "-set");
    const context = aContext({ clock: systemClock });
    const error = await refreshTokenSource({ ...login, store })
      .request(context)
      .catch((thrown: unknown) => thrown);
    client.disconnect();
    assert.ok(error instanceof TokenError);
    assert.equal(error.code, "storage_failed");
    assert.deepEqual(
      context.events.map(({ type }) => type),
      ["cache_failed"],
    );
    assert.doesNotMatch(inspect([error, context.events], { depth: 12, showHidden: true }), /secret/);
  });
});
