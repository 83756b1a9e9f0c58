import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import {
  createKeyEncryptionKey,
  type KeyEncryptionKey,
  openKeyEncryptionKeyFile,
  openStore,
  replaceKeyEncryptionKeyFile,
  ringSealedUnder,
  type Store,
  storeEngines,
} from "@countersign/authority";
import { defined, fromBase64url } from "@countersign/protocol";
import { CliFailure, reasonOf } from "./failure.ts";
import { refuseEmptiedDatabase, refuseLostDatabase } from "./first-start-marker.ts";
import type { Settings } from "./settings-schema.ts";
import type { World } from "./world.ts";

/** The files of a data directory. */
export interface DataPaths {
  readonly database: string;
  /** The key-encryption key, unless COUNTERSIGN_KEY holds it. */
  readonly key: string;
  /** The one that takes its place, while `keys rewrap` is at work. */
  readonly nextKey: string;
  /** Says that a first start was completed here. */
  readonly marker: string;
}

/** Which settings say where the store is. */
export type StorePlace = Pick<Settings, "data" | "store">;

/** Whether other nodes may work on the store too: then nothing but the key-encryption key is in the data directory. */
export function isShared({ store: { url } }: StorePlace): boolean {
  return url !== undefined && !url.startsWith("sqlite:");
}

/**
 * Where the store is, as `openStore` takes it.
 *
 * @throws {CliFailure} when the setting names no engine.
 */
export function locationOf(place: StorePlace): string {
  const { url } = place.store;
  if (url === undefined || url.startsWith("sqlite:")) return `sqlite:${dataPaths(place).database}`;
  const engine = url.slice(0, url.indexOf(":"));
  const served = storeEngines.filter((name) => name !== "memory");
  if (served.includes(engine)) return url;
  // What follows the engine may hold a password.
  throw new CliFailure(`store.url names no engine: ${engine}:`, { hints: [`begin with ${served.join(": or ")}:`] });
}

/** Where things are in a data directory. */
export function dataPaths({ data, store: { url } }: StorePlace): DataPaths {
  const directory = url?.startsWith("sqlite:") ? url.slice("sqlite:".length) : data;
  return {
    database: join(directory, "countersign.db"),
    key: join(data, "kek"),
    nextKey: join(data, "kek.next"),
    marker: join(data, "first-start"),
  };
}

/** An open data directory. */
export interface DataDirectory {
  readonly store: Store;
  /** What the keys in the store are sealed under. */
  readonly keyEncryptionKey: KeyEncryptionKey;
}

/** How to open a data directory. */
export interface DataDirectoryOptions {
  readonly onCommit?: (writes: number, durationMs: number) => void;
  /** Told when the files were taken away while they were in use. */
  readonly onLost?: (why: string) => void;
  /** A key that may be the one as well: that of an earlier `keys rewrap` which was interrupted. */
  readonly otherKey?: KeyEncryptionKey;
}

/** Opens the store and the key that seals its keys, making what is not there yet. */
export async function openDataDirectory(
  place: StorePlace,
  world: World,
  options: DataDirectoryOptions = {},
): Promise<DataDirectory> {
  return isShared(place) ? openShared(place, world, options) : openEmbedded(place, world, options);
}

/** One process at a time. */
async function openEmbedded(place: StorePlace, world: World, options: DataDirectoryOptions): Promise<DataDirectory> {
  const paths = dataPaths(place);
  makeDataDirectory(place.data);
  refuseLostDatabase(paths);
  // Before the store: so wherever there is a store there was a key.
  const current = await currentKey(paths, world);
  return opened(place, world, options, async (store) => {
    await refuseEmptiedDatabase(store, paths);
    const id = await ringSealedUnder(store);
    if (options.otherKey !== undefined && id === options.otherKey.id) return options.otherKey;
    return (await finishRewrap(paths, id, world)) ?? current;
  });
}

/** Any number of processes: all of them need the one key, so none makes its own where there is a key ring already. */
async function openShared(place: StorePlace, world: World, options: DataDirectoryOptions): Promise<DataDirectory> {
  const paths = dataPaths(place);
  const given = keyFromVariable("COUNTERSIGN_KEY", world);
  return opened(place, world, options, async (store) => {
    const id = await ringSealedUnder(store);
    if (options.otherKey !== undefined && id === options.otherKey.id) return options.otherKey;
    if (given !== undefined) return given;
    if (id !== undefined && !existsSync(paths.key) && !existsSync(paths.nextKey)) throw withoutKey(paths);
    makeDataDirectory(place.data);
    const next = await finishRewrap(paths, id, world);
    return next ?? openKeyEncryptionKeyFile({ path: paths.key, random: world.random });
  });
}

async function opened(
  place: StorePlace,
  { clock }: World,
  { onCommit, onLost }: DataDirectoryOptions,
  findKey: (store: Store) => Promise<KeyEncryptionKey>,
): Promise<DataDirectory> {
  const store = await openStore(locationOf(place), { clock, ...defined({ onCommit, onLost }) }).catch(explainRange);
  try {
    return { store, keyEncryptionKey: await findKey(store) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** A location that is none is a setting to mend. */
function explainRange(error: unknown): never {
  if (!(error instanceof RangeError)) throw error;
  throw new CliFailure("store.url cannot be used", { hints: [error.message] });
}

function withoutKey({ key }: DataPaths): CliFailure {
  return new CliFailure(`cannot find the key that seals the keys of this store: ${key}`, {
    hints: ["set COUNTERSIGN_KEY to the same key on every node, or copy the file from another one"],
  });
}

/** @throws {CliFailure} when a directory holds no store: a command that works on one makes none in the wrong place. */
export function requireStore(place: StorePlace): void {
  const { database } = dataPaths(place);
  if (isShared(place) || existsSync(database)) return;
  throw new CliFailure(`there is no store: ${database}`, { hints: ["name the directory of the store with --data"] });
}

/** @throws {CliFailure} when something stands where the data directory is to be. */
export function checkDataDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== false) return;
  throw new CliFailure(`the data directory is no directory: ${path}`, { hints: ["name another with --data"] });
}

function makeDataDirectory(path: string): void {
  try {
    makeDirectories(resolve(path));
  } catch (error) {
    throw new CliFailure(`cannot make the data directory: ${path}`, { hints: [reasonOf(error)] });
  }
}

/** One by one: where the system denies a parent that is there, as below /proc, Node's recursive form never ends. */
function makeDirectories(path: string): void {
  if (isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectories(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isDirectory(path)) throw error;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

async function currentKey({ database, key, nextKey }: DataPaths, world: World): Promise<KeyEncryptionKey> {
  const { random } = world;
  const given = keyFromVariable("COUNTERSIGN_KEY", world);
  if (given !== undefined) return given;
  if (existsSync(key) || !existsSync(database)) return openKeyEncryptionKeyFile({ path: key, random });
  if (existsSync(nextKey)) return openKeyEncryptionKeyFile({ path: nextKey, random });
  throw new CliFailure(`cannot find the key that seals the keys of this store: ${key}`, {
    hints: ["restore the file from a backup, or set COUNTERSIGN_KEY if the key was given there"],
  });
}

/** The second half of a `keys rewrap` that was interrupted between its two writes. */
async function finishRewrap(
  { key, nextKey }: DataPaths,
  ringKeyId: string | undefined,
  { env, random }: World,
): Promise<KeyEncryptionKey | undefined> {
  if (env.COUNTERSIGN_KEY !== undefined || !existsSync(nextKey)) return undefined;
  const next = await openKeyEncryptionKeyFile({ path: nextKey, random });
  if (next.id !== ringKeyId) return undefined;
  await replaceKeyEncryptionKeyFile({ path: key, nextPath: nextKey });
  return next;
}

/** @throws {CliFailure} when the variable is set and holds no key. */
export function keyFromVariable(name: string, { env, random }: World): KeyEncryptionKey | undefined {
  const text = env[name];
  if (text === undefined) return undefined;
  const bytes = fromBase64url(text.trim().replace(/=+$/, ""));
  if (bytes?.length === 32) return createKeyEncryptionKey(bytes, random);
  throw new CliFailure(`${name} is not a key`, {
    hints: ["it must be 32 random bytes as base64url: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='"],
  });
}
