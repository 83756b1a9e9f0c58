import type { CreateTableCommandInput, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { attribute, OWNER_INDEX } from "./dynamodb-items.ts";

type Sdk = typeof import("@aws-sdk/client-dynamodb");

/** The version of the table's items that this program writes, and where it stands. */
const SCHEMA_VERSION = 1;
const SCHEMA_KEY = "M#schema";

/** The table of a store: paid by the request, with the index by owner. */
function tableDefinition(table: string): CreateTableCommandInput {
  const { key, owner, ownedKey } = attribute;
  return {
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [key, owner, ownedKey].map((AttributeName) => ({
      AttributeName,
      AttributeType: "S" as const,
    })),
    KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
    GlobalSecondaryIndexes: [
      {
        IndexName: OWNER_INDEX,
        KeySchema: [
          { AttributeName: owner, KeyType: "HASH" },
          { AttributeName: ownedKey, KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "ALL" },
      },
    ],
  };
}

/**
 * Makes the table where there is none, waits for it, and has the service erase what expired. Resolves to whether it was made.
 *
 * @throws {Error} what the service says.
 */
export async function createTable(
  sdk: Sdk,
  client: DynamoDBClient,
  { table, version = SCHEMA_VERSION }: { readonly table: string; readonly version?: number },
): Promise<boolean> {
  const made = await client.send(new sdk.CreateTableCommand(tableDefinition(table))).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && error.name === "ResourceInUseException") return false;
      throw error;
    },
  );
  await sdk.waitUntilTableExists({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 5 }, { TableName: table });
  if (made) {
    const TimeToLiveSpecification = { AttributeName: attribute.erasedAt, Enabled: true };
    const request = { TableName: table, TimeToLiveSpecification };
    await client.send(new sdk.UpdateTimeToLiveCommand(request)).catch(ignoreUnknownOperation);
    const Item = { pk: { S: SCHEMA_KEY }, [attribute.version]: { N: String(version) } };
    await client.send(new sdk.PutItemCommand({ TableName: table, Item }));
  }
  return made;
}

/** @throws {Error} when there is no table, it cannot be read, or its items are those of a newer program. */
export async function refuseUnusable(sdk: Sdk, client: DynamoDBClient, table: string): Promise<void> {
  const request = { TableName: table, Key: { pk: { S: SCHEMA_KEY } }, ConsistentRead: true };
  const { Item } = await client.send(new sdk.GetItemCommand(request)).catch((cause: unknown) => {
    throw new Error(`Cannot open the store: ${explain(cause, table)}`, { cause });
  });
  const found = Number(Item?.[attribute.version]?.N ?? SCHEMA_VERSION);
  if (found > SCHEMA_VERSION) {
    throw new Error(
      `Cannot use the store: its schema version ${found} is newer than ${SCHEMA_VERSION}; update this program`,
    );
  }
}

function explain(error: unknown, table: string): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "ResourceNotFoundException")
    return `there is no table ${table}; countersign store create makes it`;
  return `the table ${table} cannot be read: ${error.name}: ${error.message}`;
}

/** Emulators know no time to live; nothing depends on it but the size of the table. */
function ignoreUnknownOperation(error: unknown): void {
  if (!(error instanceof Error) || error.name !== "UnknownOperationException") throw error;
}
