import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { type Random, systemClock, systemRandom } from "@countersign/protocol";
import { silentObserver } from "../../src/audit/observer.ts";
import { type AuditTrail, createAuditTrail } from "../../src/audit/trail.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";

const child = fileURLToPath(new URL("./crash-child.ts", import.meta.url));

/** How often to kill, when, and where. */
export interface CrashOptions {
  readonly path: string;
  readonly kills: number;
  readonly random: Random;
}

/** What a run has to show for itself. */
export interface CrashReport {
  readonly kills: number;
  readonly acknowledged: number;
  /** Operations begun whose answer the kill swallowed. */
  readonly indeterminate: number;
  /** From the start of a process to an open store, in milliseconds, ascending. */
  readonly restartMs: readonly number[];
  /** Broken promises in words; empty when all were kept. */
  readonly violations: readonly string[];
}

/**
 * Kills a process that rotates families, takes codes and renames users with their records, again and again, then compares
 * what it had acknowledged with what the store holds: nothing is lost, no change is without its record, no record without
 * its change.
 */
export async function crashUnderLoad({ path, kills, random }: CrashOptions): Promise<CrashReport> {
  const restartMs: number[] = [];
  for (let run = 0; run < kills; run++) {
    // One run in eight dies while it opens the file, which is while it recovers from the last kill.
    const [dice = 0, progress = 0] = random.bytes(2);
    const readyMs = await runAndKill(path, run, dice % 8 === 0 ? 0 : 1 + (progress % 32));
    if (readyMs !== undefined) restartMs.push(readyMs);
  }
  const journal = new Journal();
  for (const line of readFileSync(journalOf(path), "utf8").split("\n")) journal.note(line);
  const store = await openSqliteStore({ path, clock: systemClock });
  const violations = [...(await journal.violations(store)), ...(await halves(store))];
  await store.close();
  return {
    kills,
    acknowledged: journal.acknowledged,
    indeterminate: journal.indeterminate,
    restartMs: restartMs.sort((a, b) => a - b),
    violations: [...violations, ...damage(path)],
  };
}

/** Resolves to the time until the store was open, if the process lived as long as that. */
async function runAndKill(path: string, run: number, progress: number): Promise<number | undefined> {
  const startedAt = systemClock.monotonic();
  const args = ["-C", "@countersign/source", child, path, `${run}`, journalOf(path)];
  const running = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(running, "exit");
  let readyMs: number | undefined;
  let seen = 0;
  for await (const bytes of running.stdout) {
    seen += bytes.length;
    // The first byte says that it opens, the second that it has begun to work.
    if (seen > 1) readyMs ??= systemClock.monotonic() - startedAt;
    if (seen > progress) running.kill("SIGKILL");
  }
  const [code, signal] = await exited;
  if (signal !== "SIGKILL") throw new Error(`The child ended by itself: ${code}`);
  return readyMs;
}

function journalOf(path: string): string {
  return `${path}.journal`;
}

function damage(path: string): string[] {
  using database = new DatabaseSync(path);
  const verdicts = database.prepare("PRAGMA integrity_check").all();
  return verdicts.flatMap((row) => (row.integrity_check === "ok" ? [] : [`integrity: ${row.integrity_check}`]));
}

/** What the killed processes said. */
class Journal {
  readonly #renamed = new Map<string, number>();
  readonly #tried = new Map<string, number>();
  readonly #rotated = new Map<string, number>();
  readonly #codes = new Map<string, "created" | "taking" | "taken">();
  readonly #doubled: string[] = [];
  acknowledged = 0;

  get indeterminate(): number {
    const rotations = [...this.#tried].filter(([family, tried]) => tried > (this.#rotated.get(family) ?? 0)).length;
    return rotations + [...this.#codes.values()].filter((state) => state === "taking").length;
  }

  note(line: string): void {
    const [verb, subject = "", generation = ""] = line.split(" ");
    if (verb === "rotating") this.#tried.set(subject, Math.max(Number(generation), this.#tried.get(subject) ?? 0));
    if (verb === "rotated") {
      if (Number(generation) <= (this.#rotated.get(subject) ?? 0)) this.#doubled.push(line);
      this.#rotated.set(subject, Number(generation));
    }
    if (verb === "taken" && this.#codes.get(subject) === "taken") this.#doubled.push(line);
    if (verb === "created" || verb === "taking" || verb === "taken") this.#codes.set(subject, verb);
    if (verb === "renamed") this.#renamed.set(subject, Math.max(Number(generation), this.#renamed.get(subject) ?? 0));
    if (verb === "renamed" || verb === "rotated" || verb === "created" || verb === "taken") this.acknowledged++;
  }

  async violations(store: Store): Promise<string[]> {
    const found = this.#doubled.map((line) => `acknowledged twice: ${line}`);
    for (const [family, tried] of this.#tried) {
      const generation = (await store.get<number>(`family ${family}`))?.value ?? 0;
      const acknowledged = this.#rotated.get(family) ?? 0;
      if (generation < acknowledged)
        found.push(`lost: family ${family} at ${generation}, acknowledged ${acknowledged}`);
      if (generation > tried) found.push(`invented: family ${family} at ${generation}, tried ${tried}`);
    }
    for (const [user, acknowledged] of this.#renamed) {
      const name = (await store.get<number>(`user ${user}`))?.value ?? 0;
      if (name < acknowledged) found.push(`lost: user ${user} is called ${name}, acknowledged ${acknowledged}`);
    }
    for (const [code, state] of this.#codes) {
      const there = (await store.get(`code ${code}`)) !== undefined;
      if (state === "created" && !there) found.push(`lost: code ${code}`);
      if (state === "taken" && there) found.push(`taken, yet there: code ${code}`);
    }
    return found;
  }
}

/** What was done by halves: users without their names or names without users, changes without a record or the reverse. */
async function halves(store: Store): Promise<string[]> {
  const found: string[] = [];
  const users = await store.list<number>("users", { limit: 1000 });
  const names = (await store.list<number>("names", { limit: 1000 })).map(({ key }) => key).sort();
  const borne = users.map(({ key, value }) => `name ${key.slice("user ".length)} ${value}`).sort();
  if (names.join() !== borne.join()) found.push(`names ${names} of users ${borne}`);
  const recorded = await recordedNames(store);
  for (const { key, value } of users) {
    const records = recorded.get(key.slice("user ".length)) ?? [];
    const changes = Array.from({ length: value }, (_, n) => n + 1);
    const missing = changes.filter((name) => !records.includes(name));
    if (missing.length > 0) found.push(`changed, not recorded: ${key} to ${missing}`);
    if (records.length > changes.length) found.push(`recorded, not changed: ${key}, ${records.length} of ${value}`);
  }
  return found;
}

async function recordedNames(store: Store): Promise<ReadonlyMap<string, readonly number[]>> {
  const names = new Map<string, number[]>();
  const audit: AuditTrail = createAuditTrail({
    store,
    clock: systemClock,
    random: systemRandom,
    observer: silentObserver,
    retentionMs: 86_400_000,
  });
  for (let before: string | undefined; ; ) {
    const page = await audit.page({ limit: 1000, ...(before === undefined ? {} : { before }) });
    for (const { fields } of page.records) {
      if (!("userId" in fields) || !("what" in fields) || fields.userId === undefined) continue;
      names.set(fields.userId, [...(names.get(fields.userId) ?? []), Number(fields.what)]);
    }
    before = page.next;
    if (before === undefined) return names;
  }
}
