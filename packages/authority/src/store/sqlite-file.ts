import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { openMark, syncDirectory, takenAway } from "./open-mark.ts";
import { migrations, prepareMigrations } from "./sqlite-migrations.ts";

/** "CtSg": marks a file as ours, so that no other application's database is written to. */
const APPLICATION_ID = 0x43745367;

/** The schema version this program writes. */
const schemaVersion = migrations.length;

/** Larger files are not read through at every start: SQLite still notices damage where it meets it. */
const CHECKED_BYTES = 64 * 1024 * 1024;

/** File systems of other machines, by the magic number of statfs(2): they share no memory, which WAL needs. */
const networkFileSystems = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB 2"],
  [0x01021997, "9P"],
  [0x5346414f, "AFS"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
]);

/** A file that is ours until its lock is closed or the process ends. */
export interface PreparedFile {
  /** Where it is, links followed: two names of one file must not make two locks. */
  readonly path: string;
  readonly lock: DatabaseSync;
}

/**
 * Takes the single-writer lock, looks at the file before anything is written, and brings it to the current schema.
 *
 * @throws {Error} when another server holds the file, its lock cannot be written, its log was taken away, or it is damaged,
 * newer, foreign or on a network file system.
 */
export function prepareFile(
  name: string,
  fileSystemOf = (directory: string) => statfsSync(directory).type,
): PreparedFile {
  makeDirectory(dirname(resolve(name)));
  const path = existsSync(name) ? realpathSync(name) : join(realpathSync(dirname(name)), basename(name));
  const network = networkFileSystems.get(fileSystemOf(dirname(path)));
  if (network !== undefined) throw refusal(path, `${network} is a network file system; use a disk of this machine`);
  const lock = acquireLock(path);
  try {
    refuseTakenAway(path);
    const found = inspect(path);
    for (const suffix of ["", "-wal", "-shm"]) restrict(`${path}${suffix}`);
    if (found === 0) create(path);
    else if (found < schemaVersion) update(path, found);
    return { path, lock };
  } catch (error) {
    lock.close();
    throw isSqliteError(error) ? refusal(path, explain(error), error) : error;
  }
}

/** A connection to a file that exists: `mode` keeps a reopened handle from making a new, empty file. */
export function connect(path: string, mode: "ro" | "rw", timeout: number): DatabaseSync {
  const url = pathToFileURL(path);
  url.search = `mode=${mode}`;
  return new DatabaseSync(url, { readOnly: mode === "ro", timeout });
}

/** A directory's entry is durable only when its parent is synced, as much as the file in it. */
function makeDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = directory; made.length >= first.length; made = dirname(made)) syncDirectory(dirname(made));
}

/**
 * A lock of the operating system on a file of its own, which ends with the process however that ends. SQLite takes
 * it, because Node cannot. Nothing else may open and close this file while the lock is held: POSIX would drop it.
 */
function acquireLock(path: string): DatabaseSync {
  const lockPath = `${path}.lock`;
  let lock: DatabaseSync | undefined;
  try {
    createPrivate(lockPath);
    lock = connect(lockPath, "rw", 0);
    // On a file that cannot be written BEGIN EXCLUSIVE locks nothing and says nothing; to write in it does. It is never
    // committed, so the file stays empty.
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE; PRAGMA user_version = 1");
    return lock;
  } catch (error) {
    lock?.close();
    throw refusal(path, explainLock(lockPath, error), error);
  }
}

/** SQLite's code BUSY says that somebody holds it; all others, that this user cannot have it. */
function explainLock(lockPath: string, error: unknown): string {
  if (isSqliteError(error) && (error.errcode & 0xff) === 5) {
    return "another server is using it; stop that one, or give this one a data directory of its own";
  }
  const reason = error instanceof Error ? error.message : "no reason given";
  return `cannot take its lock ${lockPath} (${reason}); make the directory and its files this user's, and writable`;
}

function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!existsSync(path)) throw error;
  }
}

function restrict(path: string): void {
  if (existsSync(path)) chmodSync(path, 0o600);
}

/** The schema version found, by a connection that cannot write; 0 where there is nothing yet. */
function inspect(path: string): number {
  if (sizeOf(path) === 0) {
    refuseOrphanedLog(path);
    return 0;
  }
  takeBackJournal(path);
  using database = connect(path, "ro", 0);
  const found = pragma(database, "user_version");
  const owner = pragma(database, "application_id");
  const tables = database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get();
  if (found === 0 && owner === 0 && tables === undefined) return 0;
  refuseUnknown(path, found, owner);
  if (statSync(path).size <= CHECKED_BYTES) checkPages(path, database);
  return found;
}

/** What was acknowledged since the log was folded last may be in the log alone. */
function refuseTakenAway(path: string): void {
  const what = takenAway(path);
  if (what === undefined) return;
  const mark = openMark(path);
  const why =
    what === "file"
      ? `the file is missing or empty, but ${mark} says that it was in use and not closed; restore it from a backup, or remove ${mark} to begin with nothing`
      : `its log ${path}-wal is missing, but ${mark} says that it was in use and not closed; where the log was removed, ` +
        "the last changes are lost, revocations and spent refresh tokens among them; put the log back or restore a " +
        `backup. To go on with the file as it is, or if another program has folded the log into it since, remove ${mark}`;
  throw refusal(path, why);
}

/** A file is whole from the moment it has its name: where a log is left without one, it has been lost since. */
function refuseOrphanedLog(path: string): void {
  if (sizeOf(`${path}-wal`) === 0) return;
  throw refusal(
    path,
    `the file is missing or empty, but its log ${path}-wal holds data; restore the file from a backup, or move the log away to begin with nothing`,
  );
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function refuseUnknown(path: string, found: number, owner: number): void {
  if (owner !== APPLICATION_ID) throw refusal(path, "it is the database of another application");
  if (found > schemaVersion) {
    throw refusal(path, `its schema version ${found} is newer than ${schemaVersion}; update this program`);
  }
}

/**
 * Takes back what a process left unfinished that died while it turned the log on, as the first start on a backup does: a
 * connection that cannot write could not even look.
 */
function takeBackJournal(path: string): void {
  if (!existsSync(`${path}-journal`)) return;
  const { found, owner } = readHeader(path);
  refuseUnknown(path, found, owner);
  using database = connect(path, "rw", 0);
  pragma(database, "user_version");
}

/** What the header says, without SQLite (sqlite.org/fileformat.html, section 1.3). */
function readHeader(path: string): { readonly found: number; readonly owner: number } {
  const header = Buffer.alloc(100);
  const descriptor = openSync(path, "r");
  readSync(descriptor, header, 0, header.length, 0);
  closeSync(descriptor);
  return { found: header.readUInt32BE(60), owner: header.readUInt32BE(68) };
}

function checkPages(path: string, database: DatabaseSync): void {
  const verdict = Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {})[0];
  if (verdict !== "ok") throw refusal(path, damaged(String(verdict)));
}

function damaged(what: string): string {
  return `it is damaged or no database (${what}); restore it from a backup`;
}

function isSqliteError(error: unknown): error is Error & { readonly errcode: number } {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number";
}

/** SQLite's codes CORRUPT and NOTADB say that it is damaged; others, that it cannot be used now. */
function explain({ errcode, message }: Error & { readonly errcode: number }): string {
  const primary = errcode & 0xff;
  return primary === 11 || primary === 26 ? damaged(message) : message;
}

/**
 * Makes the file under another name, and gives it its own when it is whole: a process that dies before leaves nothing
 * that the next one cannot open. Until the log is on, SQLite leaves a journal that only a writer can take back.
 */
function create(path: string): void {
  const draft = `${path}.new`;
  // What belonged to a file of this name that is no more would be taken for part of the new one.
  for (const name of [draft, `${draft}-journal`, `${path}-journal`, `${path}-wal`, `${path}-shm`]) {
    rmSync(name, { force: true, recursive: true });
  }
  // Fails when somebody has put a file there since: what others wrote is not to become the database.
  closeSync(openSync(draft, "wx", 0o600));
  migrate(draft, 0);
  renameSync(draft, path);
  syncDirectory(dirname(path));
}

/** Brings a file that is in use to the current schema. */
function update(path: string, found: number): void {
  // The last connection that may write takes the log with it when it closes, unless there is another one.
  using keeper = connect(path, "ro", 0);
  pragma(keeper, "user_version");
  migrate(path, found);
}

function migrate(path: string, found: number): void {
  using database = connect(path, "rw", 0);
  prepareMigrations(database);
  database.exec("PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
  for (const step of migrations.slice(found)) database.exec(step);
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${schemaVersion}; COMMIT`);
  database.exec("PRAGMA journal_mode = WAL");
}

function pragma(database: DatabaseSync, name: "user_version" | "application_id"): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function refusal(path: string, why: string, cause?: unknown): Error {
  return new Error(`Cannot open the store ${path}: ${why}`, { cause });
}
