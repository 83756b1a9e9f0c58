import { parentPort, workerData } from "node:worker_threads";
import { type Batch, cellsPerOperation, type Reply } from "./sqlite-batch.ts";
import { type ConnectionOptions, WritingConnection } from "./sqlite-connection.ts";

/** After so many operations the log goes into the database file: some 16 MiB of pages when they hit keys at random. */
const operationsPerCheckpoint = 2000;

/** What the writing thread runs: one batch after the other, while the main thread gathers the next. */
class Writer {
  readonly #options: ConnectionOptions;
  #connection: WritingConnection | undefined;
  #sinceCheckpoint = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#connection = new WritingConnection(options);
  }

  commit(batch: Batch): Reply {
    try {
      this.#connection ??= new WritingConnection(this.#options);
      return { outcomes: this.#connection.commit(batch) };
    } catch (error) {
      this.#discard();
      return { failure: String(error) };
    }
  }

  checkpointIfDue({ operations }: Batch): void {
    this.#sinceCheckpoint += operations.length / cellsPerOperation;
    if (this.#sinceCheckpoint < operationsPerCheckpoint) return;
    this.#sinceCheckpoint = 0;
    this.#checkpoint("PASSIVE");
  }

  close(): void {
    this.#checkpoint("TRUNCATE");
    this.#discard();
  }

  #checkpoint(mode: "PASSIVE" | "TRUNCATE"): void {
    try {
      this.#connection?.checkpoint(mode);
    } catch {
      this.#discard();
    }
  }

  #discard(): void {
    this.#connection?.[Symbol.dispose]();
    this.#connection = undefined;
  }
}

function serve(port: NonNullable<typeof parentPort>, options: ConnectionOptions): void {
  const writer = new Writer(options);
  port.on("message", (batch: Batch | "close") => {
    if (batch === "close") {
      writer.close();
      port.close();
      return;
    }
    port.postMessage(writer.commit(batch));
    writer.checkpointIfDue(batch);
  });
  port.postMessage("ready");
}

if (parentPort !== null) serve(parentPort, workerData);
