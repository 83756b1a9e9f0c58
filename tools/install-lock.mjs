// A lock on a folder among processes, of files alone: what Node 20 has on every system.
//
// Each holder makes the file of the next number, and one that ends marks its file as released. The holder of the highest
// number has the lock while it lives, so nobody ever removes the file of a living holder, and of many that find a dead one
// exactly one makes its successor.
import { randomBytes } from "node:crypto";
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

const name = /^\.install-lock\.(\d+)$/;
const pollMs = 200;
const beatMs = 1000;
/** On another host, a container among them, only its beat says that a holder lives. */
const deadAfterMs = 30_000;

/**
 * Waits until this process is the only one that installs into a folder; `onWait` is told once for whom it waits.
 */
export async function takeLock(folder, onWait) {
  const beats = new Map();
  let isWaiting = false;
  for (;;) {
    const holder = holderOf(folder);
    if (holder === undefined || holder.released || !isAlive(holder, beats)) {
      const lock = tryToTake(folder, (holder?.number ?? 0) + 1);
      if (lock !== undefined) return lock;
      continue;
    }
    if (!isWaiting) onWait(holder);
    isWaiting = true;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

const pathOf = (folder, number) => join(folder, `.install-lock.${number}`);

const numbersIn = (folder) =>
  readdirSync(folder)
    .map((file) => Number(name.exec(file)?.[1]))
    .filter((number) => number > 0)
    .sort((a, b) => b - a);

/** The file of the highest number; a file that went away meanwhile was not the highest. */
function holderOf(folder) {
  for (;;) {
    const [number] = numbersIn(folder);
    if (number === undefined) return undefined;
    const path = pathOf(folder, number);
    try {
      return { ...parse(readFileSync(path, "utf8")), number, beat: statSync(path).mtimeMs };
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
  }
}

/** A file that lost its text when the power went is nobody's. */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { released: true };
  }
}

/** Linked, not written, so that no file is ever seen in part. `undefined` when another one was first. */
function tryToTake(folder, number) {
  const path = pathOf(folder, number);
  const self = { host: hostname(), pids: [process.pid], starts: [startOf(process.pid)] };
  const draft = join(folder, `.install-lock.draft-${process.pid}-${randomBytes(6).toString("hex")}`);
  try {
    writeFileSync(draft, JSON.stringify(self));
    linkSync(draft, path);
  } catch (error) {
    if (error.code === "EEXIST") return undefined;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const [highest] = numbersIn(folder);
  if (highest !== number) {
    rmSync(path, { force: true });
    return undefined;
  }
  for (const older of numbersIn(folder)) if (older < number) rmSync(pathOf(folder, older), { force: true });
  return holding(path, draft, self);
}

function holding(path, draft, self) {
  const write = (state) => {
    writeFileSync(draft, JSON.stringify(state));
    renameSync(draft, path);
  };
  const beat = setInterval(() => utimesSync(path, new Date(), new Date()), beatMs);
  beat.unref();
  return {
    /** The child that does the work: while it lives the lock is held, even when this process is gone. */
    alsoHeldBy(pid) {
      if (pid !== undefined) write({ ...self, pids: [process.pid, pid], starts: [self.starts[0], startOf(pid)] });
    },
    release() {
      clearInterval(beat);
      write({ ...self, released: true });
    },
  };
}

function isAlive({ host, pids, starts, number, beat }, beats) {
  if (host === hostname()) return pids.some((pid, at) => isRunning(pid, starts[at]));
  const seen = beats.get(number);
  if (seen === undefined || seen.beat !== beat) beats.set(number, { beat, at: performance.now() });
  return performance.now() - beats.get(number).at < deadAfterMs;
}

/** Whether a process runs, and is the one that was meant: numbers are given again. */
function isRunning(pid, start) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
  return start === null || startOf(pid) === start;
}

/** When a process started, in the words of Linux; `null` where nothing says it, or it is no more than a name. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? null : `${rest[18]}`;
  } catch {
    return null;
  }
}
