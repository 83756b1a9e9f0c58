import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { systemClock } from "@countersign/protocol";
import { type Batch, type Folding, READY, type Reply, type Unit, unpackUnits } from "./sqlite-batch.ts";
import { type ConnectionOptions, WritingConnection } from "./sqlite-connection.ts";

/** Keeps a transaction short, however many wait. */
const UNITS_PER_TRANSACTION = 1024;

/** After so many operations the log goes into the database file: some 16 MiB of pages when they hit keys at random. */
const OPERATIONS_PER_CHECKPOINT = 2000;

/** After so long without a write the log goes there too: so a database at rest is in its file, not in its log. */
const REST_MS = 1000;

/** What the main thread sends. */
type Message = Batch | "close";

/** What the writing thread runs: one commit after the other. */
class Writer {
  readonly #options: ConnectionOptions;
  #connection: WritingConnection | undefined;
  #sinceCheckpoint = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#connection = new WritingConnection(options);
  }

  commit(units: readonly Unit[], now: number): Reply {
    const startedAt = systemClock.monotonic();
    const result = this.#tryCommit(units, now);
    const operations = units.reduce((sum, unit) => sum + unit.length, 0);
    this.#sinceCheckpoint += operations;
    return { ...result, units: units.length, operations, durationMs: systemClock.monotonic() - startedAt };
  }

  checkpointIfDue(): void {
    if (this.#sinceCheckpoint >= OPERATIONS_PER_CHECKPOINT) this.rest();
  }

  /** Moves what the log holds into the file, if there is anything new in it. */
  rest(): void {
    if (this.#sinceCheckpoint === 0) return;
    this.#sinceCheckpoint = 0;
    this.#checkpoint("PASSIVE");
  }

  /** What became of the log; `undefined` when it could not be folded. */
  close(): Folding | undefined {
    const folding = this.#checkpoint("TRUNCATE");
    this.#discard();
    return folding;
  }

  #tryCommit(units: readonly Unit[], now: number) {
    try {
      this.#connection ??= new WritingConnection(this.#options);
      return { outcomes: this.#connection.commit(units, now) };
    } catch (error) {
      this.#discard();
      return { failure: String(error) };
    }
  }

  #checkpoint(mode: "PASSIVE" | "TRUNCATE"): Folding | undefined {
    try {
      return this.#connection?.checkpoint(mode);
    } catch {
      this.#discard();
      return undefined;
    }
  }

  #discard(): void {
    this.#connection?.[Symbol.dispose]();
    this.#connection = undefined;
  }
}

/** Serves the main thread: all that has arrived by the time a commit begins shares it. */
function serve(port: MessagePort, options: ConnectionOptions): void {
  const writer = new Writer(options);
  const resting = setTimeout(() => writer.rest(), REST_MS);
  resting.unref();
  port.on("message", (first: Message) => {
    const messages = [first, ...arrived(port)];
    const batches = messages.filter((message) => message !== "close");
    const units = batches.flatMap((batch) => unpackUnits(batch.units));
    const now = batches.at(-1)?.now ?? 0;
    for (let at = 0; at < units.length; at += UNITS_PER_TRANSACTION) {
      port.postMessage(writer.commit(units.slice(at, at + UNITS_PER_TRANSACTION), now));
    }
    writer.checkpointIfDue();
    resting.refresh();
    if (!messages.includes("close")) return;
    clearTimeout(resting);
    port.postMessage(writer.close());
    port.close();
  });
  port.postMessage(READY);
}

function* arrived(port: MessagePort): Generator<Message> {
  for (let one = receiveMessageOnPort(port); one !== undefined; one = receiveMessageOnPort(port)) yield one.message;
}

if (parentPort !== null) serve(parentPort, workerData);
