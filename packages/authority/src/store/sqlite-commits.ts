import { on } from "node:events";
import type { Worker } from "node:worker_threads";
import { type Clock, CountersignError } from "@countersign/protocol";
import { Pipeline } from "../threads/pipeline.ts";
import { startThread } from "../threads/start-thread.ts";
import {
  type Batch,
  type Folding,
  foldings,
  type Outcome,
  packUnits,
  READY,
  type Reply,
  type Unit,
} from "./sqlite-batch.ts";
import type { ConnectionOptions } from "./sqlite-connection.ts";
import type { WriteHealth } from "./write-health.ts";

/** How commits are grouped. */
export interface CommitsOptions extends ConnectionOptions {
  readonly clock: Clock;
  /** Units that may wait for a transaction; past it they are refused. */
  readonly maxWaiting: number;
  /** Told of each transaction: how many operations it made durable, and how long it took. */
  readonly onCommit: (writes: number, durationMs: number) => void;
  readonly health: WriteHealth;
}

/** A larger batch means fewer messages, a smaller one that the writing thread begins earlier. */
const BATCH_SIZE = 16;

const RETRY_AFTER_MS = 1000;

/**
 * Group commit: the writing thread commits all units that arrived while it was busy with those before them, with
 * one fsync. A promise resolves only after COMMIT returned.
 */
export class Commits {
  readonly #options: CommitsOptions;
  readonly #exited = Promise.withResolvers<void>();
  readonly #pipeline: Pipeline<Unit, Outcome>;
  #worker: Worker | undefined;
  #isClosed = false;
  #ending = false;
  #folding: Folding | undefined;

  /** Starts the writing thread; resolves when it has opened the file. */
  static async start(options: CommitsOptions): Promise<Commits> {
    const worker = launch(options);
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    try {
      for await (const [message] of on(worker, "message")) if (message === READY) break;
    } catch (error) {
      // Until then, the thread may hold the file.
      await exited;
      throw error;
    }
    return new Commits(worker, options);
  }

  private constructor(worker: Worker, options: CommitsOptions) {
    this.#options = options;
    this.#pipeline = new Pipeline({
      batchSize: BATCH_SIZE,
      send: (jobs) => this.#send(jobs),
      onIdle: () => this.#rest(),
    });
    this.#worker = this.#attend(worker);
    worker.unref();
  }

  /** Resolves when the unit is durable, to its outcome. */
  async submit(unit: Unit): Promise<Outcome> {
    if (this.#isClosed) throw unavailable("The store is closed");
    const { size } = this.#pipeline;
    if (size >= this.#options.maxWaiting) throw unavailable(`${size} commits wait for their turn`);
    if (size === 0) this.#options.health.progress();
    return this.#pipeline.submit(unit);
  }

  /** Whether there are units without an outcome. */
  get isWaiting(): boolean {
    return this.#pipeline.size > 0;
  }

  /** Lets accepted units finish, then ends the thread. Resolves to what became of the log, if that is known. */
  async close(): Promise<Folding | undefined> {
    this.#isClosed = true;
    if (this.#pipeline.size === 0) this.#end();
    await this.#exited.promise;
    return this.#folding;
  }

  #send(units: readonly Unit[]): void {
    const batch: Batch = { now: this.#options.clock.now(), units: packUnits(units) };
    this.#worker ??= this.#attend(launch(this.#options));
    this.#worker.ref();
    this.#worker.postMessage(batch);
  }

  #attend(worker: Worker): Worker {
    worker.on("message", (reply: Partial<Reply> | string | undefined) => {
      // `node --watch` sends messages of its own from every thread.
      if (isReply(reply)) this.#settle(reply);
      else this.#folding = foldings.find((folding) => folding === reply);
    });
    let why = "The writing thread has ended";
    worker.on("error", (error) => {
      why = `The writing thread failed: ${error}`;
    });
    // Not at the error: until the exit, the thread may hold the file.
    worker.on("exit", () => this.#forget(why));
    return worker;
  }

  #settle(reply: Reply): void {
    const { onCommit, health } = this.#options;
    onCommit(reply.operations, reply.durationMs);
    if ("failure" in reply) {
      const why = `Cannot commit: ${reply.failure}`;
      health.failed(why);
      this.#pipeline.settle(Array.from({ length: reply.units }, () => unavailable(why)));
      return;
    }
    if (reply.outcomes.some(hasWritten)) health.wrote();
    else health.progress();
    this.#pipeline.settle(reply.outcomes.map(judge));
  }

  #rest(): void {
    if (this.#isClosed) this.#end();
    else this.#worker?.unref();
  }

  #end(): void {
    if (this.#worker === undefined) this.#exited.resolve();
    if (this.#ending) return;
    this.#ending = true;
    this.#worker?.ref();
    this.#worker?.postMessage("close");
  }

  /** What waited is refused, its effect unknown; the next unit starts a new thread. */
  #forget(why: string): void {
    this.#worker = undefined;
    if (this.isWaiting) this.#options.health.failed(why);
    this.#pipeline.fail(unavailable(why));
    if (this.#isClosed) this.#exited.resolve();
  }
}

/** Starts a writing thread, which opens the file. */
function launch({ path, busyTimeoutMs }: ConnectionOptions): Worker {
  const workerData: ConnectionOptions = { path, busyTimeoutMs };
  return startThread(new URL("./sqlite-writer", import.meta.url), { workerData });
}

function isReply(message: Partial<Reply> | string | undefined): message is Reply {
  return typeof message === "object" && message.units !== undefined;
}

/** What lost a race wrote nothing, and says nothing of the disk. */
function hasWritten(outcome: Outcome): boolean {
  return typeof outcome === "object" || (typeof outcome === "number" && outcome > 0);
}

function judge(outcome: Outcome): Outcome | Error {
  if (typeof outcome !== "string") return outcome;
  return new CountersignError("server_error", { detail: `Cannot run the statement: ${outcome}` });
}

function unavailable(detail: string): CountersignError {
  return new CountersignError("temporarily_unavailable", { detail, retryAfterMs: RETRY_AFTER_MS });
}
