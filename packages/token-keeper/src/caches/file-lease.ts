import { readFileSync, readlinkSync } from "node:fs";
import { stat, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import type { Lease } from "../cache.ts";
import type { Clock } from "../clock.ts";
import { base64url } from "../encoding.ts";
import { numberMember, parseObject, stringMember } from "../json.ts";
import { LeaseObserver } from "../lease-observer.ts";
import type { Random } from "../random.ts";
import { codeOf, createPrivate, readPrivate } from "./secure-file.ts";

/** Who may break a stale lock holds this for microseconds; older, its holder died. */
const breakingMs = 5_000;

interface Holder {
  readonly nonce: string;
  readonly host: string;
  readonly pid: number;
  readonly started: string;
  readonly until: number;
  readonly ttlMs: number;
}

/**
 * Leases as lock files: created only if absent. A lock is over when its process on this host is dead, or has not moved for
 * its whole life. Who breaks one holds a second lock, so that of many that see it, one takes over.
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
    const won = await this.#breaking(`${path}.break`, async () => {
      // Another may have broken it, and locked anew, while we came here.
      if (!(await this.#isOver(path))) return false;
      await unlinkIfThere(path);
      return this.#create(path, nonce, ttlMs);
    });
    return won ? this.#lease(path, nonce, true) : undefined;
  }

  async #create(path: string, nonce: string, ttlMs: number): Promise<boolean> {
    const holder: Holder = { nonce, ...thisProcess, until: this.#clock.now() + ttlMs, ttlMs };
    return createIfAbsent(path, JSON.stringify(holder));
  }

  #lease(path: string, nonce: string, takenOver: boolean): Lease {
    return {
      takenOver,
      release: async () => {
        this.#observer.forget(path);
        const holder = await readHolder(path);
        if (holder?.nonce === nonce) await unlinkIfThere(path);
      },
    };
  }

  async #isOver(path: string): Promise<boolean> {
    const holder = await readHolder(path);
    if (holder === undefined) return this.#isUnreadableOver(path);
    if (holder.host === thisProcess.host && startOf(holder.pid) !== holder.started) return true;
    return this.#observer.isOver(path, holder.nonce, holder);
  }

  /** Empty for the moment between creation and writing; for ever, when its process died just then, or the disk is full. */
  async #isUnreadableOver(path: string): Promise<boolean> {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return false;
    // File systems give an inode's number to the next file.
    const nonce = `${found.ino} ${found.ctimeMs}`;
    return this.#observer.isOver(path, nonce, { until: Number.POSITIVE_INFINITY, ttlMs: breakingMs });
  }

  async #breaking(path: string, run: () => Promise<boolean>): Promise<boolean> {
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

async function createIfAbsent(path: string, text: string): Promise<boolean> {
  try {
    await createPrivate(path, text, { durable: false });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    // A lock that could be made but not written would stop everybody.
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
  return { nonce, host, started, pid, until, ttlMs };
}

/** When a process started, which tells it from a later one with its number; "dead" when there is none. */
function startOf(pid: number): string {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return "dead";
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Field 22, counted behind the name, which may hold spaces and brackets.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "alive";
  } catch {
    return "alive";
  }
}

/** Process numbers mean something only within one host and, in containers, one namespace of it. */
function hostOf(): string {
  try {
    return `${hostname()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

const thisProcess = { host: hostOf(), pid: process.pid, started: startOf(process.pid) } as const;
