import { type Clock, CountersignError } from "@countersign/protocol";
import type { PostgresConnections } from "./postgres-connections.ts";
import { failureOf } from "./postgres-errors.ts";
import { VERSIONS_PER_BLOCK } from "./postgres-schema.ts";
import type { Statements, VerdictRow } from "./postgres-statements.ts";
import type { WriteHealth } from "./write-health.ts";

/** What is done with one key. A note is the commit's own item under its id: where it is there already, nothing is done. */
export interface Wish {
  readonly kind: "write" | "remove" | "guard" | "note";
  readonly key: string;
  readonly expected: number;
  readonly owner: string | null;
  readonly expiresAt: number | null;
  readonly text: string | null;
}

/** The version of a commit that was made, or the keys that were not as expected. */
export type Outcome = { readonly version: number } | { readonly failed: readonly string[] };

/** How commits are grouped and sent. */
export interface PostgresCommitsOptions {
  readonly connections: PostgresConnections;
  readonly statements: Statements;
  readonly clock: Clock;
  readonly health: WriteHealth;
  /** Commits that may wait; past it they are refused. */
  readonly maxWaiting: number;
  /** After so long without an outcome a commit is refused: longer than a statement may take, shorter than a caller waits. */
  readonly patienceMs: number;
  readonly onCommit: (writes: number, durationMs: number) => void;
}

/** So many statements are on their way at once: while the server syncs one, it judges the next. */
export const STATEMENTS_AT_ONCE = 2;
/** A statement's commits share their locks until it ends. */
const UNITS_PER_STATEMENT = 128;
const BYTES_PER_STATEMENT = 4 * 1024 * 1024;
const PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
/** Races of one batch in a row that are run again at once. */
const RACES_AT_ONCE = 8;
const RETRY_AFTER_MS = 1000;

interface Unit {
  readonly wishes: readonly Wish[];
  readonly bytes: number;
  readonly giveUpAt: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
  version: number;
  /** An earlier copy of it may have been done, or may be yet. */
  isDoubtful: boolean;
}

/**
 * Group commit at the client: what arrives while statements are on their way goes together in the next one. Two commits of one key
 * never share a statement, where the second would be judged by what the first found.
 */
export class PostgresCommits {
  readonly #options: PostgresCommitsOptions;
  #waiting: Unit[] = [];
  #onTheirWay = 0;
  #units = 0;
  #scheduled = false;
  #versions = { next: 0, end: 0 };
  #reserving: Promise<void> | undefined;
  #idle: (() => void) | undefined;
  #isClosed = false;

  constructor(options: PostgresCommitsOptions) {
    this.#options = options;
  }

  /** Whether there are commits without an outcome. */
  get isWaiting(): boolean {
    return this.#units > 0;
  }

  /** Resolves when the commit is durable, or refused. */
  submit(wishes: readonly Wish[]): Promise<Outcome> {
    if (this.#isClosed) return Promise.reject(unavailable("The store is closed"));
    const { clock, health, maxWaiting, patienceMs } = this.#options;
    if (this.#units >= maxWaiting) return Promise.reject(unavailable(`${this.#units} commits wait for their turn`));
    if (this.#units++ === 0) health.progress();
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    const giveUpAt = clock.monotonic() + patienceMs;
    const bytes = wishes.reduce((sum, { key, owner, text }) => sum + key.length + lengthOf(owner) + lengthOf(text), 0);
    this.#waiting.push({ wishes, bytes, giveUpAt, resolve, reject, version: 0, isDoubtful: false });
    this.#schedule();
    return promise;
  }

  /** Lets accepted commits finish. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#units === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = resolve;
    await promise;
  }

  /** At the end of the turn, so that what arrived together goes together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#onTheirWay < STATEMENTS_AT_ONCE && this.#waiting.length > 0) void this.#dispatch(this.#gather());
    });
  }

  /** The commits that go next; those that share a key with one of them wait for another turn. */
  #gather(): Unit[] {
    const taken = new Set<string>();
    const batch: Unit[] = [];
    const left: Unit[] = [];
    let bytes = 0;
    for (const unit of this.#waiting) {
      const fits =
        batch.length < UNITS_PER_STATEMENT && (batch.length === 0 || bytes + unit.bytes <= BYTES_PER_STATEMENT);
      if (!fits || unit.wishes.some(({ key }) => taken.has(key))) {
        left.push(unit);
        continue;
      }
      for (const { key } of unit.wishes) taken.add(key);
      bytes += unit.bytes;
      batch.push(unit);
    }
    this.#waiting = left;
    return batch;
  }

  async #dispatch(batch: readonly Unit[]): Promise<void> {
    this.#onTheirWay += 1;
    await this.#complete(batch);
    this.#onTheirWay -= 1;
    if (this.#waiting.length > 0) this.#schedule();
    if (this.#units === 0) this.#idle?.();
  }

  /** Sends a batch until each of its commits has an outcome. */
  async #complete(batch: readonly Unit[]): Promise<void> {
    let pending = batch;
    for (let attempt = 0; pending.length > 0; attempt++) {
      const failure = await this.#attempt(pending);
      if (failure === undefined) return;
      const kind = failureOf(failure.error);
      if (kind === "own fault" || (kind === "raced" && pending.length > 1))
        return this.#oneByOne(pending, failure.error);
      pending = this.#giveUp(pending, failure.error);
      this.#giveUpWaiting(failure.error);
      if (kind !== "raced" || attempt >= RACES_AT_ONCE) await this.#pause(attempt);
    }
  }

  /** One commit may be at fault, or have lost a race to create something, and undo all: so each goes alone. */
  async #oneByOne(batch: readonly Unit[], error: unknown): Promise<void> {
    const [only, ...more] = batch;
    if (only !== undefined && more.length === 0) {
      const detail = `Cannot run the statement: ${messageOf(error)}`;
      return this.#settle(only, new CountersignError("server_error", { detail, cause: error }));
    }
    for (const unit of batch) await this.#complete([unit]);
  }

  async #attempt(batch: readonly Unit[]): Promise<{ readonly error: unknown } | undefined> {
    const { clock, connections, statements, health, onCommit } = this.#options;
    const startedAt = clock.monotonic();
    let rows: readonly VerdictRow[];
    try {
      await this.#giveVersions(batch);
      rows = await connections.run<VerdictRow>(statements.commit, parametersOf(batch, clock.now()));
    } catch (error) {
      const kind = failureOf(error);
      if (kind === "refused" || kind === "unknown") health.failed(`Cannot commit: ${messageOf(error)}`);
      const isUnknown = kind === "unknown";
      for (const unit of batch) unit.isDoubtful ||= isUnknown && unit.version > 0;
      return { error };
    }
    if (rows.some(({ won }) => won)) health.wrote();
    else health.progress();
    onCommit(
      batch.reduce((sum, { wishes }) => sum + wishes.length, 0),
      clock.monotonic() - startedAt,
    );
    const wishes = batch.flatMap((unit) => unit.wishes);
    for (const row of rows) {
      const unit = batch[row.unit];
      if (unit !== undefined) this.#settle(unit, judge(unit, row, wishes));
    }
    return undefined;
  }

  /** A commit keeps the version that it was sent with first: by it a copy of it is recognised. */
  async #giveVersions(batch: readonly Unit[]): Promise<void> {
    for (const unit of batch) {
      if (unit.version > 0) continue;
      while (this.#versions.next >= this.#versions.end) await this.#reserve();
      unit.version = this.#versions.next++;
    }
  }

  #reserve(): Promise<void> {
    const { connections, statements } = this.#options;
    this.#reserving ??= connections
      .run<{ readonly first: number }>(statements.reserve, [])
      .then(([{ first } = { first: 0 }]) => {
        this.#versions = { next: first, end: first + VERSIONS_PER_BLOCK };
      })
      .finally(() => {
        this.#reserving = undefined;
      });
    return this.#reserving;
  }

  /** Refuses what has waited for too long; the rest is tried again. */
  #giveUp(units: readonly Unit[], error: unknown): readonly Unit[] {
    const now = this.#options.clock.monotonic();
    const late = units.filter(({ giveUpAt }) => giveUpAt <= now);
    for (const unit of late) this.#settle(unit, unavailable(`Cannot commit: ${messageOf(error)}`, error));
    return units.filter((unit) => !late.includes(unit));
  }

  #giveUpWaiting(error: unknown): void {
    this.#waiting = [...this.#giveUp(this.#waiting, error)];
  }

  async #pause(attempt: number): Promise<void> {
    await this.#options.clock.sleep(Math.min(PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS));
  }

  #settle(unit: Unit, outcome: Outcome | Error): void {
    this.#units -= 1;
    if (outcome instanceof Error) unit.reject(outcome);
    else unit.resolve(outcome);
  }
}

/** What is said of a commit, when nothing is known of an earlier copy of it: it was done where its version stands. */
function judge(unit: Unit, row: VerdictRow, wishes: readonly Wish[]): Outcome | Error {
  if (row.won || row.done) return { version: unit.version };
  if (row.noted !== null) return { version: row.noted };
  if (unit.isDoubtful && !row.untouched) {
    return unavailable("A commit had no answer, and nothing is left that says whether it was made");
  }
  return { failed: (row.failed ?? []).map((place) => wishes[place - 1]?.key ?? "") };
}

function parametersOf(batch: readonly Unit[], now: number): readonly unknown[] {
  const rows = batch.flatMap(({ wishes, version, isDoubtful }, unit) =>
    wishes.map((wish) => ({ ...wish, unit, version, isDoubtful })),
  );
  return [
    rows.map(({ unit }) => unit),
    rows.map(({ kind }) => kind),
    rows.map(({ key }) => Buffer.from(key)),
    rows.map(({ version }) => version),
    rows.map(({ expected }) => expected),
    rows.map(({ owner }) => (owner === null ? null : Buffer.from(owner))),
    rows.map(({ expiresAt }) => expiresAt),
    rows.map(({ text }) => text),
    now,
    rows.map(({ isDoubtful }) => isDoubtful),
  ];
}

function lengthOf(text: string | null): number {
  return text?.length ?? 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unavailable(detail: string, cause?: unknown): CountersignError {
  return new CountersignError("temporarily_unavailable", {
    detail,
    retryAfterMs: RETRY_AFTER_MS,
    ...(cause !== undefined && { cause }),
  });
}
