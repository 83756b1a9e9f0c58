import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { stat, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import type { Lease } from "../cache.ts";
import { base64url } from "../encoding.ts";
import { numberMember, parseObject, stringMember } from "../json.ts";
import { LeaseObserver } from "../lease.ts";
import type { Clock, Random } from "../ports.ts";
import { codeOf, createPrivate, readPrivate } from "./secure-file.ts";

/** The second lock is held for microseconds: the holder of one that is older than this is dead. */
const BREAK_LOCK_LIFETIME_MS = 5_000;

/** How often a release is tried while another process judges the lock. */
const MAX_RELEASE_TRIES = 100;

interface Holder {
  readonly nonce: string;
  readonly host: string;
  readonly pid: number;
  /** The thread, where the system tells: one of a living process can be dead. */
  readonly thread: number;
  readonly started: string;
  /** The inode of the lock file, which a copy of it does not have. */
  readonly ino: number;
  readonly until: number;
  readonly ttlMs: number;
}

/**
 * Leases as lock files: created only if absent. A lock is over when its thread or process on this host is dead, or has not
 * moved for its whole life. Who removes one, its own or another's, holds a second lock meanwhile: so that of many that see
 * it, one takes over, and nobody removes a successor's.
 */
export class FileLeases {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #observer: LeaseObserver;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#observer = new LeaseObserver(clock);
  }

  async lease(path: string, ttlMs: number): Promise<Lease | undefined> {
    const nonce = base64url(this.#random.bytes(16));
    if (await this.#create(path, nonce, ttlMs)) return this.#lease(path, nonce, false);
    if (!(await this.#isOver(path))) return undefined;
    const won = await this.#withBreakLock(`${path}.break`, async () => {
      // Another process may have taken it over since.
      if (!(await this.#isOver(path))) return false;
      await unlinkIfThere(path);
      return this.#create(path, nonce, ttlMs);
    });
    return won ? this.#lease(path, nonce, true) : undefined;
  }

  async #create(path: string, nonce: string, ttlMs: number): Promise<boolean> {
    const until = this.#clock.now() + ttlMs;
    const holder = ({ ino }: { ino: number }): Holder => ({ nonce, ...thisThread, ino, until, ttlMs });
    return createIfAbsent(path, (created) => JSON.stringify(holder(created)));
  }

  #lease(path: string, nonce: string, takenOver: boolean): Lease {
    return {
      takenOver,
      release: async () => {
        this.#observer.forget(path);
        const remove = async () => {
          if ((await readHolder(path))?.nonce === nonce) await unlinkIfThere(path);
          return true;
        };
        // Another process judges the lock at this moment. A lock that stays after all tries ends by its life.
        for (let tries = 0; tries < MAX_RELEASE_TRIES; tries++)
          if (await this.#withBreakLock(`${path}.break`, remove)) return;
      },
    };
  }

  async #isOver(path: string): Promise<boolean> {
    const holder = await readHolder(path);
    if (holder === undefined) return this.#isUnreadableOver(path);
    if (holder.host === thisThread.host && startOf(holder) !== holder.started) {
      const found = await stat(path).catch(() => undefined);
      if (found?.ino === holder.ino) return true;
    }
    return this.#observer.isOver(path, holder.nonce, holder);
  }

  /** Empty for the moment between creation and writing; for ever, when its process died just then, or the disk is full. */
  async #isUnreadableOver(path: string): Promise<boolean> {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return false;
    // File systems give an inode's number to the next file.
    const nonce = `${found.ino} ${found.ctimeMs}`;
    return this.#observer.isOver(path, nonce, { until: Number.POSITIVE_INFINITY, ttlMs: BREAK_LOCK_LIFETIME_MS });
  }

  async #withBreakLock(path: string, run: () => Promise<boolean>): Promise<boolean> {
    if (!(await createIfAbsent(path, ""))) {
      if (await this.#isUnreadableOver(path)) await unlinkIfThere(path);
      return false;
    }
    try {
      return await run();
    } finally {
      await unlinkIfThere(path);
    }
  }
}

async function createIfAbsent(path: string, text: Parameters<typeof createPrivate>[1]): Promise<boolean> {
  try {
    await createPrivate(path, text, { durable: false });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    // A lock file without its holder would stop every process.
    await unlinkIfThere(path).catch(() => undefined);
    throw error;
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch((error) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const record = parseObject((await readPrivate(path)) ?? "");
  if (record === undefined) return undefined;
  const [nonce, host, started] = ["nonce", "host", "started"].map((name) => stringMember(record, name));
  const [pid, until, ttlMs] = ["pid", "until", "ttlMs"].map((name) => numberMember(record, name));
  if (nonce === undefined || host === undefined || started === undefined) return undefined;
  if (pid === undefined || until === undefined || ttlMs === undefined) return undefined;
  // Written by the version before, without these: it is over after its life.
  const [thread = pid, ino = -1] = ["thread", "ino"].map((name) => numberMember(record, name));
  return { nonce, host, started, pid, thread, ino, until, ttlMs };
}

/** When a thread started, which tells it from a later one with its number; "dead" when there is none. */
function startOf({ pid, thread }: { readonly pid: number; readonly thread: number }): string {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return "dead";
  }
  try {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
    // Field 22, counted behind the name, which may hold spaces and brackets.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "alive";
  } catch (error) {
    // Where there is a /proc, a thread that has ended is missing in it.
    return codeOf(error) === "ENOENT" && hasThreads ? "dead" : "alive";
  }
}

/**
 * Process numbers mean something only under one running kernel and, in containers, in one namespace of it: another host of
 * the same name, or this one before it was started again, has other ones.
 */
function hostOf(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${hostname()} ${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

/** The system's number of this thread: of the process, where the system tells of no threads. */
function threadOf(): number {
  try {
    return Number(/\/task\/(\d+)$/.exec(readlinkSync("/proc/thread-self"))?.[1] ?? process.pid);
  } catch {
    return process.pid;
  }
}

const hasThreads = existsSync(`/proc/self/task/${threadOf()}`);
const self = { pid: process.pid, thread: threadOf() } as const;
const thisThread = { host: hostOf(), ...self, started: startOf(self) } as const;
