import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Lease, LeasingCache } from "../cache.ts";
import { base64url, sha256 } from "../encoding.ts";
import { LeaseObserver } from "../lease.ts";
import { type Clock, type Random, systemClock, systemRandom } from "../ports.ts";

/** Options of {@link dynamodbCache}. */
export interface DynamodbCacheOptions {
  /** A client of the AWS SDK, version 3 or later; the caller closes it. */
  readonly client: DynamoDBClient;
  /** A table whose partition key is the string `pk`; its TTL attribute, if any, is `ttl` (seconds). */
  readonly tableName: string;
  /** Before every key, so that a table can be shared. @default "TOKEN#" */
  readonly prefix?: string;
  /** The clock that ends entries and leases. @default systemClock */
  readonly clock?: Clock;
  /** Where the names of lease owners come from. @default systemRandom */
  readonly random?: Random;
}

/**
 * A cache and leases in one DynamoDB table: strongly consistent reads, conditional writes. DynamoDB removes expired items
 * late, so expiry is also checked on reading.
 *
 * @example
 * ```ts run
 * import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
 * import { TokenManager } from "@countersign/token-keeper";
 * import { dynamodbCache } from "@countersign/token-keeper/dynamodb";
 * const client = new DynamoDBClient({ region: "eu-central-1" });
 * await using manager = new TokenManager({ caches: [dynamodbCache({ client, tableName: "tokens" })] });
 * console.log(manager.health().healthy); // true
 * ```
 */
export function dynamodbCache(options: DynamodbCacheOptions): LeasingCache {
  const { client, tableName: TableName, prefix = "TOKEN#", clock = systemClock, random = systemRandom } = options;
  const observer = new LeaseObserver(clock);
  const keyOf = (kind: string, key: string) => ({ pk: { S: `${prefix}${kind}#${sha256(key)}` } });
  const read = (Key: { pk: { S: string } }) =>
    client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
  return {
    name: "dynamodb",
    async get(key) {
      const { Item } = await read(keyOf("ENTRY", key));
      const expired = Item?.expires_ms?.N !== undefined && Number(Item.expires_ms.N) <= clock.now();
      return expired ? undefined : Item?.value?.S;
    },
    async set(key, value, expiresAt) {
      const Item = { ...keyOf("ENTRY", key), value: { S: value }, ...expiry(expiresAt) };
      await client.send(new PutItemCommand({ TableName, Item }));
    },
    async lease(key, ttlMs): Promise<Lease | undefined> {
      const Key = keyOf("LEASE", key);
      const owner = base64url(random.bytes(16));
      const until = clock.now() + ttlMs;
      const Item = { ...Key, owner: { S: owner }, ttl_ms: { N: `${ttlMs}` }, ...expiry(until) };
      const held = (await read(Key)).Item;
      const [holder, heldUntil] = [held?.owner?.S, Number(held?.expires_ms?.N ?? 0)];
      if (holder !== undefined && !observer.isOver(key, holder, { until: heldUntil, ttlMs: Number(held?.ttl_ms?.N) }))
        return undefined;
      const condition =
        holder === undefined
          ? { ConditionExpression: "attribute_not_exists(pk)" }
          : { ConditionExpression: "#owner = :holder", ExpressionAttributeValues: { ":holder": { S: holder } } };
      const names = holder === undefined ? {} : { ExpressionAttributeNames: { "#owner": "owner" } };
      const won = await succeeded(client.send(new PutItemCommand({ TableName, Item, ...condition, ...names })));
      if (!won) return undefined;
      const remove = {
        TableName,
        Key,
        ConditionExpression: "#owner = :owner",
        ExpressionAttributeNames: { "#owner": "owner" },
        ExpressionAttributeValues: { ":owner": { S: owner } },
      };
      const release = async () => void (await succeeded(client.send(new DeleteItemCommand(remove))));
      return { takenOver: holder !== undefined, release };
    },
  };
}

function expiry(expiresAt: number | undefined): Record<string, { N: string }> {
  if (expiresAt === undefined) return {};
  return { expires_ms: { N: `${Math.floor(expiresAt)}` }, ttl: { N: `${Math.ceil(expiresAt / 1000)}` } };
}

/** False when the condition did not hold. */
async function succeeded(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
