import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type Clock, CountersignError } from "@countersign/protocol";
import type { Batch, Cell, Operation, Outcome, Reply } from "./sqlite-batch.ts";
import type { ConnectionOptions } from "./sqlite-connection.ts";

/** How commits are grouped. */
export interface CommitsOptions extends ConnectionOptions {
  readonly clock: Clock;
  /** Operations that may wait for a commit; past it they are refused. */
  readonly maxWaiting: number;
  /** Told of each commit: how many writes it made durable, and how long it took. */
  readonly onCommit: (writes: number, durationMs: number) => void;
}

/** Keeps the thread from being away for long, however many wait. */
const operationsPerBatch = 1024;

const retryAfterMs = 1000;

/** A batch is short-lived: a large young generation would only hold memory. */
const resourceLimits = { maxYoungGenerationSizeMb: 8 };

interface Waiter {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

/** Operations that one commit will make durable, and who waits for each. */
interface Group {
  readonly operations: Cell[];
  readonly waiters: Waiter[];
  postedAt: number;
}

/**
 * Group commit: operations gather while the writing thread commits those before them, then go to it in one message
 * and share one fsync. A promise resolves only after COMMIT returned.
 */
export class Commits {
  readonly #clock: Clock;
  readonly #maxWaiting: number;
  readonly #onCommit: CommitsOptions["onCommit"];
  readonly #worker: Worker;
  readonly #exited = Promise.withResolvers<void>();
  readonly #waiting: Group[] = [];
  #waitingCount = 0;
  #committing: Group | undefined;
  #scheduled = false;
  #refusal: string | undefined;
  #ending = false;

  /** Starts the writing thread; resolves when it has opened the file. */
  static async start(options: CommitsOptions): Promise<Commits> {
    const workerData: ConnectionOptions = { path: options.path, busyTimeoutMs: options.busyTimeoutMs };
    // Sources run as they are; a build has the compiled file beside this one.
    const file = import.meta.url.endsWith(".ts") ? "./sqlite-writer.ts" : "./sqlite-writer.js";
    // No flags of the process: with --input-type, say, a thread cannot start.
    const worker = new Worker(new URL(file, import.meta.url), { workerData, execArgv: [], resourceLimits });
    await once(worker, "message");
    return new Commits(worker, options);
  }

  private constructor(worker: Worker, { clock, maxWaiting, onCommit }: CommitsOptions) {
    this.#worker = worker;
    this.#clock = clock;
    this.#maxWaiting = maxWaiting;
    this.#onCommit = onCommit;
    worker.on("message", (reply: Reply) => this.#settle(reply));
    worker.on("error", (error) => this.#fail(`The writing thread failed: ${error}`));
    worker.on("exit", () => {
      this.#fail("The writing thread has ended");
      this.#exited.resolve();
    });
    worker.unref();
  }

  /** Resolves when the operation is durable, to its outcome. */
  submit(operation: Operation): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#refusal !== undefined) return reject(unavailable(this.#refusal));
      if (this.#waitingCount >= this.#maxWaiting) {
        return reject(unavailable(`${this.#waitingCount} operations wait for a commit`));
      }
      const group = this.#gathering();
      group.operations.push(...operation);
      group.waiters.push({ resolve, reject });
      this.#waitingCount++;
      this.#schedule();
    });
  }

  /** Lets accepted operations finish, then ends the thread. */
  async close(): Promise<void> {
    this.#refusal ??= "The store is closed";
    this.#endIfIdle();
    await this.#exited.promise;
  }

  #gathering(): Group {
    const last = this.#waiting.at(-1);
    if (last !== undefined && last.waiters.length < operationsPerBatch) return last;
    const group: Group = { operations: [], waiters: [], postedAt: 0 };
    this.#waiting.push(group);
    return group;
  }

  /** Posts after the events of this turn, so that requests which arrived together share a commit. */
  #schedule(): void {
    if (this.#scheduled || this.#committing !== undefined) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#post();
    });
  }

  #post(): void {
    if (this.#committing !== undefined) return;
    const group = this.#waiting.shift();
    if (group === undefined) {
      this.#endIfIdle();
      return;
    }
    this.#waitingCount -= group.waiters.length;
    this.#committing = group;
    group.postedAt = this.#clock.monotonic();
    this.#worker.ref();
    const batch: Batch = { now: this.#clock.now(), operations: group.operations };
    this.#worker.postMessage(batch);
  }

  #settle(reply: Reply): void {
    const group = this.#committing;
    this.#committing = undefined;
    this.#worker.unref();
    this.#post();
    if (group === undefined) return;
    this.#onCommit(group.waiters.length, this.#clock.monotonic() - group.postedAt);
    if ("failure" in reply) rejectAll(group, unavailable(`Cannot commit: ${reply.failure}`));
    else for (const [index, waiter] of group.waiters.entries()) answer(waiter, reply.outcomes[index]);
  }

  #endIfIdle(): void {
    const idle = this.#committing === undefined && this.#waiting.length === 0;
    if (!idle || this.#refusal === undefined || this.#ending) return;
    this.#ending = true;
    this.#worker.ref();
    this.#worker.postMessage("close");
  }

  #fail(why: string): void {
    this.#refusal ??= why;
    const lost = this.#committing === undefined ? this.#waiting : [this.#committing, ...this.#waiting];
    for (const group of lost) rejectAll(group, unavailable(why));
    this.#committing = undefined;
    this.#waiting.length = 0;
  }
}

function answer(waiter: Waiter, outcome: Outcome | undefined): void {
  if (typeof outcome === "string") {
    waiter.reject(new CountersignError("server_error", { detail: `Cannot run the statement: ${outcome}` }));
  } else if (outcome === undefined) {
    waiter.reject(unavailable("The writing thread did not answer this operation"));
  } else waiter.resolve(outcome);
}

function rejectAll(group: Group, error: Error): void {
  for (const waiter of group.waiters) waiter.reject(error);
}

function unavailable(detail: string): CountersignError {
  return new CountersignError("temporarily_unavailable", { detail, retryAfterMs });
}
