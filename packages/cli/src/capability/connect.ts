import { join, resolve } from "node:path";
import { PublicKey } from "@countersign/biscuit";
import { Countersign, fetchCaCert } from "@countersign/sdk";
import type { Run } from "../command.ts";
import { CliFailure, usageFailure } from "../failure.ts";
import { readTextFile, textFileAt, writePrivateFile } from "../private-file.ts";
import { homeOf, keepServer, readConfig, type SavedServer, serverFolder, setDefaultServer } from "./home.ts";
import { settingOf } from "./options.ts";
import type { Server } from "./server.ts";

type Called = Pick<Run, "given" | "world">;

const caPath = (run: Called, server: Server): string => join(serverFolder(run.world, server.name), "ca.crt");
const keyPath = (run: Called, server: Server): string => join(serverFolder(run.world, server.name), "public_key.pem");

/** An address of IPv6 stands in brackets beside a port. */
const hostOf = ({ host }: Server): string => (host.includes(":") ? `[${host}]` : host);

/** The certificates that sign the server's: given, kept, of the settings, or fetched where public authorities vouch. */
async function authoritiesOf(run: Called, server: Server): Promise<string> {
  const given = settingOf(run, "ca");
  const path = caPath(run, server);
  const kept = given === undefined ? await textFileAt(path, "the certificates") : undefined;
  if (kept !== undefined) return kept;
  const named = given ?? (await readConfig(run.world)).default_ca_path;
  return named === undefined ? fetchCaCert(hostOf(server), server.port) : readTextFile(named, "the certificates");
}

/** The paths of a certificate and its key: given, kept, or of the settings. */
async function certificatePaths(run: Called, server: Server): Promise<readonly [cert: string, key: string]> {
  const { default_cert_path, default_key_path } = await readConfig(run.world);
  const cert = settingOf(run, "cert") ?? server.saved?.cert_path ?? default_cert_path;
  const key = settingOf(run, "key") ?? server.saved?.key_path ?? default_key_path;
  if (cert !== undefined && key !== undefined) return [cert, key];
  const lacks = cert === undefined ? "cert" : "key";
  throw usageFailure(
    `--${lacks} is missing: the authority knows callers by their certificate`,
    "give --cert and --key",
  );
}

/** What is known about the server from now on. */
async function keep(run: Called, server: Server, paths: Pick<SavedServer, "cert_path" | "key_path">): Promise<void> {
  const { port, name, saved } = server;
  await keepServer(run.world, name, { ...saved, hostname: server.shown, port, ...paths });
  await setDefaultServer(run.world, server.shown);
}

/** How a server is called. */
export interface Calling {
  /** With the caller's certificate, or without any. */
  readonly as: "certified" | "anonymous";
  /** What it judges tokens with, and shortens identity tokens before it sends them. */
  readonly publicKey?: PublicKey | undefined;
}

/** Works with a client of a server; once that went well, what the server was reached by is kept. */
export async function withClient<Result>(
  run: Called,
  server: Server,
  { as, publicKey }: Calling,
  work: (client: Countersign) => Promise<Result>,
): Promise<Result> {
  const paths = as === "certified" ? await certificatePaths(run, server) : undefined;
  const serverCa = await authoritiesOf(run, server);
  const config = {
    baseUrl: hostOf(server),
    port: server.port,
    serverCa,
    publicKey: publicKey?.toPem(),
    ...(paths === undefined ? {} : await certificateIn(paths)),
  };
  await using client = new Countersign(config, { clock: run.world.clock });
  const result = await work(client);
  await writePrivateFile(caPath(run, server), serverCa, "the certificates");
  await keep(run, server, paths === undefined ? {} : { cert_path: resolve(paths[0]), key_path: resolve(paths[1]) });
  return result;
}

async function certificateIn([cert, key]: readonly [cert: string, key: string]) {
  return { mtlsCert: await readTextFile(cert, "the certificate"), mtlsKey: await readTextFile(key, "the key") };
}

/** Reads a public key in any form that a flag, a variable or a file has it in. @throws {CliFailure} */
function readPublicKey(text: string): PublicKey {
  const trimmed = text.trim();
  const decoded = /^[A-Za-z0-9+/=\s]+$/.test(trimmed) ? Buffer.from(trimmed, "base64").toString("utf8") : trimmed;
  try {
    if (trimmed.includes("-----BEGIN")) return PublicKey.fromPem(trimmed);
    if (decoded.includes("-----BEGIN")) return PublicKey.fromPem(decoded);
    return PublicKey.parse(trimmed);
  } catch {
    throw new CliFailure("not a public key", {
      hints: ["give the PEM that GET /public_key answers, base64 of it, or ed25519/… or secp256r1/…"],
    });
  }
}

async function givenKey(run: Called): Promise<PublicKey | undefined> {
  const file = run.given.text("public-key-file");
  if (file !== undefined && run.given.text("public-key") !== undefined) {
    throw usageFailure("give --public-key or --public-key-file, not both");
  }
  if (file !== undefined) return readPublicKey(await readTextFile(file, "the public key"));
  const text = settingOf(run, "public-key");
  return text === undefined ? undefined : readPublicKey(text);
}

async function keptKey(run: Called, server: Server): Promise<PublicKey | undefined> {
  const legacy = join(homeOf(run.world), "public_keys", `${server.shown.replace(/[/:]/g, "_")}.pub`);
  for (const path of [keyPath(run, server), legacy]) {
    const text = await textFileAt(path, "the public key");
    if (text !== undefined) return readPublicKey(text);
  }
  return undefined;
}

/** Asks the server for its public key and keeps it. */
export async function fetchKey(run: Called, server: Server, client: Countersign): Promise<PublicKey> {
  const pem = await client.getPublicKey();
  await writePrivateFile(keyPath(run, server), pem, "the public key");
  return readPublicKey(pem);
}

/** The key that tokens are verified with: given, kept, or asked for. */
export async function publicKeyOf(run: Called, server: () => Promise<Server>): Promise<PublicKey> {
  const given = await givenKey(run);
  if (given !== undefined) return given;
  const at = await server();
  const kept = await keptKey(run, at);
  if (kept !== undefined) return kept;
  return withClient(run, at, { as: "anonymous" }, (client) => fetchKey(run, at, client));
}

/** The same where nobody is asked. */
export async function knownPublicKey(run: Called, server: () => Promise<Server>): Promise<PublicKey | undefined> {
  return (await givenKey(run)) ?? (await keptKey(run, await server()));
}
