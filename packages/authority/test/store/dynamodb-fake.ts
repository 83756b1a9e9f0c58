import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Attributes, compareKeys, evaluate } from "./dynamodb-expression.ts";

interface Action {
  readonly TableName?: string;
  readonly Item?: Attributes;
  readonly Key?: Attributes;
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Attributes;
  readonly ReturnValuesOnConditionCheckFailure?: string;
  readonly ReturnValues?: string;
}

interface Request extends Action {
  readonly TransactItems?: readonly Readonly<Record<string, Action>>[];
  readonly ClientRequestToken?: string;
  readonly KeyConditionExpression?: string;
  readonly ScanIndexForward?: boolean;
  readonly Limit?: number;
  readonly ExclusiveStartKey?: Attributes;
}

/**
 * What happens to a request: it is throttled; it meets another transaction on one of its items; the service fails before or after
 * it did it; the connection breaks before or after; a proxy answers a page in its place.
 */
export type DynamodbFault =
  | "throttle"
  | "conflict"
  | "fail before"
  | "fail after"
  | "lose request"
  | "lose answer"
  | "html after";

/** A refusal as the wire has it. */
class Refusal extends Error {
  readonly type: string;
  readonly more: object;

  constructor(type: string, message: string, more: object = {}) {
    super(message);
    this.type = type;
    this.more = more;
  }
}

/**
 * The part of DynamoDB that the store uses, with what the emulators lack: transactions that are atomic, tokens that make them
 * idempotent for ten minutes, conflicts, throttling, and answers that are lost. Requests are served one at a time, each whole.
 */
export class FakeDynamodb implements AsyncDisposable {
  readonly endpoint: string;
  /** What happens to the next requests that write, in turn. */
  readonly faults: DynamodbFault[] = [];
  /** How many requests of each kind there were. */
  readonly seen = new Map<string, number>();
  /** Called after a request was done whose answer is lost. */
  onLost: () => Promise<void> = async () => {};
  /** Milliseconds of the tokens' ten minutes. */
  now = 0;
  readonly #tables = new Map<string, Map<string, Attributes>>();
  readonly #tokens = new Map<string, { readonly body: string; readonly at: number }>();
  readonly #server;

  static async start(): Promise<FakeDynamodb> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    // listen() on a port gives an address of this kind.
    return new FakeDynamodb(server, (server.address() as AddressInfo).port);
  }

  private constructor(server: ReturnType<typeof createServer>, port: number) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.#server = server;
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request);
    const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    this.seen.set(operation, (this.seen.get(operation) ?? 0) + 1);
    const isWrite = /^(?:Put|Delete|Transact)/.test(operation);
    const fault = isWrite ? this.faults.shift() : undefined;
    if (fault === "lose request") return void request.socket.resetAndDestroy();
    try {
      if (fault === "throttle") throw new Refusal("ThrottlingException", "Rate exceeded");
      if (fault === "fail before") throw new Refusal("InternalServerError", "before");
      if (fault === "conflict") throw conflict(operation, body);
      const answer = this.#run(operation, JSON.parse(body), body);
      if (fault === "lose answer") {
        await this.onLost();
        return void request.socket.resetAndDestroy();
      }
      if (fault === "fail after") throw new Refusal("InternalServerError", "after");
      if (fault === "html after")
        return void response.writeHead(502, { "content-type": "text/html" }).end("<html>bad gateway</html>");
      send(response, 200, answer);
    } catch (error) {
      if (!(error instanceof Refusal))
        return send(response, 500, { __type: "InternalServerError", message: `${error}` });
      const status = error.type === "InternalServerError" ? 500 : 400;
      send(response, status, {
        __type: `com.amazonaws.dynamodb.v20120810#${error.type}`,
        message: error.message,
        ...error.more,
      });
    }
  }

  #run(operation: string, request: Request, body: string): object {
    if (operation === "CreateTable") return this.#create(request);
    if (operation === "DescribeTable") return this.#describe(request);
    if (operation === "UpdateTimeToLive") return {};
    const table = this.#tables.get(request.TableName ?? "");
    if (operation === "TransactWriteItems") return this.#transact(request, body);
    if (table === undefined) throw new Refusal("ResourceNotFoundException", "Requested resource not found");
    if (operation === "GetItem") return defined({ Item: table.get(keyOf(request.Key)) });
    if (operation === "Query") return query(table, request);
    if (operation === "Scan") return scan(table, request);
    const before = table.get(keyOf(request.Item ?? request.Key));
    if (!holds(request, before)) {
      throw new Refusal("ConditionalCheckFailedException", "The conditional request failed", oldItem(request, before));
    }
    if (operation === "PutItem" && request.Item !== undefined) table.set(keyOf(request.Item), checked(request.Item));
    else table.delete(keyOf(request.Key));
    return request.ReturnValues === "ALL_OLD" ? defined({ Attributes: before }) : {};
  }

  #create({ TableName = "" }: Request): object {
    if (this.#tables.has(TableName)) throw new Refusal("ResourceInUseException", "Table already exists");
    this.#tables.set(TableName, new Map());
    return this.#describe({ TableName });
  }

  #describe({ TableName = "" }: Request): object {
    if (!this.#tables.has(TableName)) throw new Refusal("ResourceNotFoundException", "Requested resource not found");
    return { Table: { TableName, TableStatus: "ACTIVE" } };
  }

  #transact({ TransactItems = [], ClientRequestToken }: Request, body: string): object {
    const known = ClientRequestToken === undefined ? undefined : this.#tokens.get(ClientRequestToken);
    if (known !== undefined && this.now < known.at + 600_000) {
      if (known.body === body) return {};
      throw new Refusal("IdempotentParameterMismatchException", "The token was used with other content");
    }
    const actions = TransactItems.flatMap((one) => Object.entries(one).map(([verb, action]) => ({ verb, action })));
    const places = actions.map(({ action }) => `${action.TableName} ${keyOf(action.Item ?? action.Key)}`);
    if (new Set(places).size < places.length) {
      throw new Refusal("ValidationException", "Transaction request cannot include multiple operations on one item");
    }
    if (actions.length > 100)
      throw new Refusal("ValidationException", "Member must have length less than or equal to 100");
    const reasons = actions.map(({ action }) => {
      const before = this.#tables.get(action.TableName ?? "")?.get(keyOf(action.Item ?? action.Key));
      return holds(action, before) ? { Code: "None" } : { Code: "ConditionalCheckFailed", ...oldItem(action, before) };
    });
    if (reasons.some(({ Code }) => Code !== "None")) {
      throw new Refusal("TransactionCanceledException", "Transaction cancelled", { CancellationReasons: reasons });
    }
    for (const { verb, action } of actions) {
      const table = this.#tables.get(action.TableName ?? "");
      if (verb === "Put" && action.Item !== undefined) table?.set(keyOf(action.Item), checked(action.Item));
      if (verb === "Delete") table?.delete(keyOf(action.Key));
    }
    if (ClientRequestToken !== undefined) this.#tokens.set(ClientRequestToken, { body, at: this.now });
    return {};
  }
}

/** A transaction that meets another says which of its actions did, a single write meets it as a whole. */
function conflict(operation: string, body: string): Refusal {
  if (operation !== "TransactWriteItems")
    return new Refusal("TransactionConflictException", "Transaction is ongoing for the item");
  const { TransactItems = [] }: Request = JSON.parse(body);
  const CancellationReasons = TransactItems.map((_, place) => ({ Code: place === 0 ? "TransactionConflict" : "None" }));
  return new Refusal("TransactionCanceledException", "Transaction cancelled", { CancellationReasons });
}

function holds(action: Action, before: Attributes | undefined): boolean {
  return action.ConditionExpression === undefined || evaluate(action.ConditionExpression, before ?? {}, action);
}

function oldItem({ ReturnValuesOnConditionCheckFailure }: Action, before: Attributes | undefined): object {
  return ReturnValuesOnConditionCheckFailure === "ALL_OLD" ? defined({ Item: before }) : {};
}

/** The sparse index: what has no owner is not in it. */
function query(table: ReadonlyMap<string, Attributes>, request: Request): object {
  const { Limit = 1000, ScanIndexForward = true } = request;
  const found = [...table.values()]
    .filter((item) => evaluate(request.KeyConditionExpression ?? "", item, request))
    .sort((a, b) => (ScanIndexForward ? 1 : -1) * compareKeys(a.gsi1sk, b.gsi1sk));
  const Items = found.slice(0, Limit);
  const last = Items.at(-1);
  return { Items, ...(found.length > Limit && last !== undefined && { LastEvaluatedKey: { pk: last.pk } }) };
}

/** In no order that means anything: here that of their making. */
function scan(table: ReadonlyMap<string, Attributes>, { Limit = 1000, ExclusiveStartKey }: Request): object {
  const keys = [...table.keys()];
  const from = ExclusiveStartKey === undefined ? 0 : keys.indexOf(keyOf(ExclusiveStartKey)) + 1;
  const Items = keys.slice(from, from + Limit).map((key) => table.get(key));
  const last = Items.at(-1);
  return { Items, ...(from + Limit < keys.length && { LastEvaluatedKey: { pk: last?.pk } }) };
}

/** Bounds of items: 400 kB with the names of their attributes, 1,024 bytes of a sort key, numbers of 38 digits. */
function checked(item: Attributes): Attributes {
  const entries = Object.entries(item);
  const size = entries.reduce((sum, [name, { S, N }]) => sum + name.length + Buffer.byteLength(S ?? N ?? ""), 0);
  if (size > 400 * 1024) throw new Refusal("ValidationException", "Item size has exceeded the maximum allowed size");
  if (Buffer.byteLength(item.gsi1sk?.S ?? "") > 1024) throw new Refusal("ValidationException", "Sort key too long");
  for (const [name, { S, N }] of entries) {
    if (N !== undefined && !(Math.abs(Number(N)) < 1e126)) throw new Refusal("ValidationException", "Number overflow");
    if (S === "" && /^(?:pk|gsi1)/.test(name)) throw new Refusal("ValidationException", "Empty key");
  }
  return item;
}

function keyOf(attributes: Attributes | undefined): string {
  return attributes?.pk?.S ?? "";
}

function defined(members: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
