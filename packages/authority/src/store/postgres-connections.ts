import type { Client, Pool, PoolClient, PoolConfig } from "pg";
import { isReusable, NoConnection, NotReplicated } from "./postgres-errors.ts";
import type { PostgresPlace } from "./postgres-location.ts";
import type { Statement } from "./postgres-statements.ts";

/** The server gives up before its client does, so that what the client calls unknown cannot land much later. */
function timeoutsWithin(patienceMs: number) {
  const share = (part: number) => Math.ceil(patienceMs * part);
  return { lockMs: share(1 / 6), statementMs: share(5 / 12), answerMs: share(2 / 3), connectMs: share(1 / 2) };
}

/** How many connections there may be, and how long a caller waits for what is done on them. */
export interface ConnectionsOptions {
  readonly most: number;
  readonly patienceMs: number;
}

/** How long a connection rests before it is closed. */
const IDLE_MS = 30_000;

/** Some connections to the server, each used by one statement at a time. */
export class PostgresConnections {
  readonly #pool: Pool;
  readonly #named: boolean;

  /** Opens none yet: what is wrong with the place shows when the first is used. */
  static async open(place: PostgresPlace, { most, patienceMs }: ConnectionsOptions): Promise<PostgresConnections> {
    // Whoever keeps to the embedded store never loads it.
    const { default: pg } = await import("pg");
    const config = configOf(place, patienceMs);
    return new PostgresConnections(new pg.Pool({ ...config, max: most, idleTimeoutMillis: IDLE_MS }), place);
  }

  private constructor(pool: Pool, { pooled }: PostgresPlace) {
    this.#pool = pool;
    this.#named = !pooled;
    // A connection that ends is replaced when one is needed; without these listeners the process would end with it.
    pool.on("error", () => {});
    pool.on("connect", (client) => client.on("error", () => {}));
  }

  /** Runs one statement, which is a transaction of its own. */
  async run<Row>({ name, text }: Statement, values: readonly unknown[]): Promise<readonly Row[]> {
    const client = await this.#connect();
    let local = false;
    const onNotice = ({ code }: { readonly code?: string | undefined }) => {
      // "canceling wait for synchronous replication": a success that only this server knows of.
      if (code === "01000") local = true;
    };
    client.on("notice", onNotice);
    let failure: unknown;
    try {
      const { rows } = await client.query({ ...(this.#named && { name }), text, values: [...values] });
      if (local) throw new NotReplicated("The server gave up waiting for its standby");
      // The statements say what their rows are.
      return rows as readonly Row[];
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      client.off("notice", onNotice);
      client.release(failure !== undefined && !isReusable(failure));
    }
  }

  /** Gives a connection to a function that runs several statements on it. */
  async use<Result>(run: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const client = await this.#connect();
    let failure: unknown;
    try {
      return await run(client);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      client.release(failure !== undefined && !isReusable(failure));
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (cause) {
      throw new NoConnection(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
}

function configOf({ connection, pooled }: PostgresPlace, patienceMs: number): PoolConfig {
  const { lockMs, statementMs, answerMs, connectMs } = timeoutsWithin(patienceMs);
  return {
    ...connection,
    application_name: "countersign",
    connectionTimeoutMillis: connectMs,
    query_timeout: answerMs,
    keepAlive: true,
    // Poolers refuse settings of a session: there they are set on the role (docs/operations.md).
    ...(!pooled && {
      lock_timeout: lockMs,
      statement_timeout: statementMs,
      idle_in_transaction_session_timeout: 2 * answerMs,
      options: "-c default_transaction_isolation=read\\ committed",
    }),
    // The pool waits for it, although its types do not say so.
    onConnect: checkServer,
  };
}

/** Refuses a server on which an acknowledged write could be lost, or that is a copy which lags behind. */
async function checkServer(client: Pick<Client, "query">): Promise<void> {
  const { rows } = await client.query(
    `SELECT pg_is_in_recovery() AS standby, current_setting('fsync') AS fsync,
       current_setting('full_page_writes') AS whole, current_setting('synchronous_commit') AS waits`,
  );
  const [{ standby, fsync, whole, waits } = {}] = rows as Record<string, unknown>[];
  if (standby === true) throw new Error("The server is a standby; name the primary");
  for (const [name, value] of Object.entries({ fsync, full_page_writes: whole })) {
    if (value !== "on")
      throw new Error(`The server has ${name} = ${value}: a power cut would lose what was acknowledged`);
  }
  if (waits === "off" || waits === "local") {
    throw new Error(`The server has synchronous_commit = ${waits}: a crash would lose what was acknowledged`);
  }
}
