import { readFileSync } from "node:fs";

/** Where a PostgreSQL store is, and how it is reached. */
export interface PostgresPlace {
  /** As `pg` takes it. What is undefined, `pg` finds in the variables of libpq (PGUSER, PGPASSWORD) or in ~/.pgpass. */
  readonly connection: {
    readonly host?: string;
    readonly port?: number;
    readonly user?: string;
    readonly password?: string;
    readonly database?: string;
    readonly ssl: false | { readonly rejectUnauthorized: true; readonly ca?: string };
  };
  readonly schema: string;
  /** A pooler gives each transaction another session: no named statements, no settings of a session. */
  readonly pooled: boolean;
}

const parameters = new Set(["host", "schema", "sslmode", "sslrootcert", "pooler"]);
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE` with the parameters
 *
 * - `sslmode`: `verify-full` (the certificate's chain and name are verified) or `disable`. By default `verify-full`, and plain on
 *   loopback and Unix sockets. The modes of libpq that encrypt and do not verify are refused.
 * - `sslrootcert`: a file with the authorities to trust, in place of the system's.
 * - `schema`: where its tables are; `countersign` by default.
 * - `pooler=transaction`: for PgBouncer and its like in transaction mode.
 * - `host`: the directory of a Unix socket.
 *
 * @throws {RangeError} saying what is wrong with it, never what stands in it: it may hold a password.
 */
export function parsePostgresLocation(location: string): PostgresPlace {
  const url = parseUrl(location);
  const given = url.searchParams;
  for (const name of given.keys()) {
    if (!parameters.has(name)) throw refusal(`it has no parameter ${name}, only ${[...parameters].join(", ")}`);
  }
  const host = given.get("host") ?? decode(url.hostname);
  const isNear = host === "" || host.startsWith("/") || LOOPBACK.test(host);
  return {
    connection: {
      ...text("host", host.replace(/^\[|\]$/g, "")),
      ...(url.port !== "" && { port: Number(url.port) }),
      ...text("user", decode(url.username)),
      ...text("password", decode(url.password)),
      ...text("database", decode(url.pathname.slice(1))),
      ssl: tlsOf(given, isNear),
    },
    schema: schemaOf(given),
    pooled: isPooled(given),
  };
}

function parseUrl(location: string): URL {
  const url = URL.parse(location.replace(/^postgres(?:ql)?:/, "postgres:"));
  if (url === null || !location.includes("://")) {
    throw refusal("it must be postgres://USER@HOST:PORT/DATABASE");
  }
  return url;
}

function tlsOf(given: URLSearchParams, isNear: boolean): PostgresPlace["connection"]["ssl"] {
  const mode = given.get("sslmode") ?? (isNear ? "disable" : "verify-full");
  const file = given.get("sslrootcert");
  if (mode === "disable") return false;
  if (mode !== "verify-full") throw refusal(`sslmode is ${mode}; it must be verify-full or disable`);
  return { rejectUnauthorized: true, ...(file !== null && { ca: readCertificates(file) }) };
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new RangeError(`Cannot use this location of a store: sslrootcert cannot be read: ${file}`, { cause });
  }
}

function schemaOf(given: URLSearchParams): string {
  const schema = given.get("schema") ?? "countersign";
  // PostgreSQL cuts longer names off without a word.
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) return schema;
  throw refusal("schema must be 1 to 63 of a-z, 0-9 and _, and begin with a letter");
}

function isPooled(given: URLSearchParams): boolean {
  const pooler = given.get("pooler");
  if (pooler === null || pooler === "transaction") return pooler !== null;
  throw refusal("pooler must be transaction");
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw refusal("one of its parts is not percent-encoded as UTF-8");
  }
}

function text<Name extends string>(name: Name, value: string): { readonly [N in Name]?: string } {
  return value === "" ? {} : ({ [name]: value } as { readonly [N in Name]?: string });
}

function refusal(why: string): RangeError {
  return new RangeError(`Cannot use this location of a store: ${why}`);
}
