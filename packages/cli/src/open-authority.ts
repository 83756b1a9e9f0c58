import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Authority,
  createAuthority,
  createKeyEncryptionKey,
  createMetrics,
  type KeyEncryptionKey,
  type Observer,
  openKeyEncryptionKeyFile,
  openSqliteStore,
  parseConfig,
  readSigningKey,
} from "@countersign/authority";
import { fromBase64url } from "@countersign/protocol";
import { CliFailure } from "./failure.ts";
import type { Settings } from "./settings-schema.ts";
import type { World } from "./world.ts";

/** What an authority on a data directory is opened with. */
export interface OpenOptions {
  readonly settings: Settings;
  readonly issuer: string;
  readonly observer?: Observer;
}

/** Opens the authority of a data directory, making what is not there yet. One process at a time. */
export async function openAuthority({ settings, issuer, observer }: OpenOptions, world: World): Promise<Authority> {
  const { clock, random } = world;
  const database = join(settings.data, "countersign.db");
  makeDataDirectory(settings.data);
  // Before the store: so wherever there is a store there was a key.
  const keyEncryptionKey = await readKeyEncryptionKey(settings.data, existsSync(database), world);
  const parts: { authority?: Authority } = {};
  const passwordQueue = () => parts.authority?.services.passwords.waiting ?? 0;
  const metrics = createMetrics({ process: true, passwordQueue });
  const store = await openSqliteStore({ path: database, clock, onCommit: metrics.storeCommit });
  try {
    const config = parseConfig({ ...authorityPart(settings), issuer });
    const authority = await createAuthority({
      config,
      store,
      keyEncryptionKey,
      clock,
      random,
      metrics,
      ...(observer === undefined ? {} : { observer }),
    });
    parts.authority = authority;
    if (settings.key_file !== undefined) await importKeyFile(authority, settings.key_file);
    return authority;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What of the settings is the authority's own. */
function authorityPart(settings: Settings) {
  const { listen, data, key_file, insecure_http, log_level, drain_seconds, tls, issuer, ...rest } = settings;
  return rest;
}

function makeDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CliFailure(`cannot make the data directory: ${path}`, { hints: [reasonOf(error)] });
  }
}

async function readKeyEncryptionKey(
  data: string,
  storeExists: boolean,
  { env, random }: World,
): Promise<KeyEncryptionKey> {
  const path = join(data, "kek");
  if (env.COUNTERSIGN_KEY !== undefined) return createKeyEncryptionKey(decodeKey(env.COUNTERSIGN_KEY), random);
  if (storeExists && !existsSync(path)) {
    throw new CliFailure(`cannot find the key that seals the keys of this store: ${path}`, {
      hints: ["restore the file from a backup, or set COUNTERSIGN_KEY if the key was given there"],
    });
  }
  return openKeyEncryptionKeyFile({ path, random });
}

function decodeKey(text: string): Uint8Array {
  const bytes = fromBase64url(text.trim().replace(/=+$/, ""));
  if (bytes?.length === 32) return bytes;
  throw new CliFailure("COUNTERSIGN_KEY is not a key", {
    hints: ["it must be 32 random bytes as base64url: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='"],
  });
}

/** An existing key signs from the first token on; a second start finds it in the ring. */
async function importKeyFile({ services }: Authority, path: string): Promise<void> {
  const key = readSigningKey(readBytes(path));
  if (services.keys.list().some(({ kid }) => kid === key.kid)) return;
  await services.keys.import(key, "key file", { now: true });
}

/** @throws {CliFailure} when the file cannot be read. */
export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CliFailure(`cannot read the file: ${path}`, { hints: [reasonOf(error)] });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : "the system gave no reason";
}
