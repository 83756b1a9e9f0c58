import { after, before, describe } from "node:test";
import { type LeasingCache, memoryCache, sealedCache } from "@countersign/token-keeper";
import { dynamodbCache } from "@countersign/token-keeper/dynamodb";
import { fileCache } from "@countersign/token-keeper/node";
import { redisCache } from "@countersign/token-keeper/redis";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import { cacheContract } from "../support/cache-contract.ts";
import { aFolder } from "../support/context.ts";
import { startDynamodb } from "../support/dynamodb.ts";
import { redisMissing, startRedis, startRedisCluster } from "../support/redis.ts";

/** A cache whose medium is there from `before` to `after`. */
function duringSuite(start: () => Promise<{ make: () => LeasingCache } & AsyncDisposable>): () => LeasingCache {
  let medium: Awaited<ReturnType<typeof start>> | undefined;
  before(async () => {
    medium = await start();
  });
  after(() => medium?.[Symbol.asyncDispose]());
  return () => {
    if (medium === undefined) throw new Error("The medium has not started");
    return medium.make();
  };
}

const keys = [new Uint8Array(32).fill(7)];

describe("memoryCache()", () => {
  const cache = memoryCache();
  cacheContract(() => cache);
});

describe("fileCache()", () => {
  cacheContract(
    duringSuite(async () => {
      const folder = await aFolder();
      return Object.assign(folder, { make: () => fileCache({ folder: `${folder.path}/tokens` }) });
    }),
  );
});

describe("fileCache(), encrypted", () => {
  cacheContract(
    duringSuite(async () => {
      const folder = await aFolder();
      return Object.assign(folder, { make: () => fileCache({ folder: folder.path, keys }) });
    }),
  );
});

describe("redisCache() with ioredis", { skip: redisMissing }, () => {
  cacheContract(
    duringSuite(async () => {
      const server = await startRedis();
      const client = new Redis(server.path);
      const stop = async () => {
        client.disconnect();
        await server[Symbol.asyncDispose]();
      };
      return { make: () => redisCache({ client }), [Symbol.asyncDispose]: stop };
    }),
  );
});

describe("redisCache() with redis, sealed", { skip: redisMissing }, () => {
  cacheContract(
    duringSuite(async () => {
      const server = await startRedis();
      const client = createClient({ socket: { path: server.path, tls: false } });
      await client.connect();
      const stop = async () => {
        client.destroy();
        await server[Symbol.asyncDispose]();
      };
      return { make: () => sealedCache(redisCache({ client }), { keys }), [Symbol.asyncDispose]: stop };
    }),
  );
});

describe("redisCache() with a cluster of redis", { skip: redisMissing }, () => {
  cacheContract(
    duringSuite(async () => {
      const server = await startRedisCluster();
      const client = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${server.port}` }] });
      await client.connect();
      const stop = async () => {
        client.destroy();
        await server[Symbol.asyncDispose]();
      };
      return { make: () => redisCache({ client }), [Symbol.asyncDispose]: stop };
    }),
  );
});

describe("redisCache() with a cluster of ioredis", { skip: redisMissing }, () => {
  cacheContract(
    duringSuite(async () => {
      const server = await startRedisCluster();
      const client = new Cluster([{ host: "127.0.0.1", port: server.port }]);
      const stop = async () => {
        client.disconnect();
        await server[Symbol.asyncDispose]();
      };
      return { make: () => redisCache({ client }), [Symbol.asyncDispose]: stop };
    }),
  );
});

describe("dynamodbCache()", () => {
  cacheContract(
    duringSuite(async () => {
      const server = await startDynamodb("tokens");
      const make = () => dynamodbCache({ client: server.client, tableName: "tokens" });
      return { make, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
    }),
  );
});
