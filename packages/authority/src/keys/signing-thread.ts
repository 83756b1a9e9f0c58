import type { KeyObject } from "node:crypto";
import type { Worker } from "node:worker_threads";
import type { SigningAlgorithm } from "../store/records.ts";
import { Pipeline } from "../threads/pipeline.ts";
import { startThread } from "../threads/start-thread.ts";
import type { SignatureFunction, SigningPlace } from "./sign.ts";
import { type IntroducedKey, packJobs, type SignedBatch, type SigningBatch, type SigningJob } from "./signing-batch.ts";

/**
 * Signs in a thread of its own, many inputs a message. Handing each signature to the thread pool costs the event loop
 * more than all else that a token request asks of it; a batch costs it once.
 */
export class SigningThread implements SigningPlace {
  #worker: Worker | undefined;
  /** Every key there is, by its number: a new thread must be told of them all. */
  readonly #keys: IntroducedKey[] = [];
  #told = 0;
  #drained: (() => void) | undefined;
  readonly #pipeline = new Pipeline<SigningJob, string>({
    batchSize: 16,
    send: (jobs) => this.#send(jobs),
    onIdle: () => this.#rest(),
  });

  signWith(key: KeyObject, algorithm: SigningAlgorithm): SignatureFunction {
    const id = this.#keys.length;
    this.#keys.push({ id, key, algorithm });
    return async (input) => {
      // In a batch a second line would be the next job, and the answers would go to the wrong callers.
      if (input.includes("\n")) throw new TypeError("Cannot sign a text of several lines: it is no JWS signing input");
      return this.#pipeline.submit([id, input]);
    };
  }

  async close(): Promise<void> {
    if (this.#pipeline.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drained = resolve;
      await promise;
    }
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #send(jobs: readonly SigningJob[]): void {
    this.#worker ??= this.#start();
    const batch: SigningBatch = { introduced: this.#keys.slice(this.#told), jobs: packJobs(jobs) };
    this.#told = this.#keys.length;
    this.#worker.ref();
    this.#worker.postMessage(batch);
  }

  /** Lets the process end while nobody waits for a signature. */
  #rest(): void {
    this.#worker?.unref();
    this.#drained?.();
  }

  #start(): Worker {
    const worker = startThread(new URL("./signing-worker", import.meta.url));
    worker.on("message", (message: Partial<SignedBatch>) => {
      // `node --watch` sends messages of its own from every thread.
      if (message.signatures !== undefined) this.#pipeline.settle(message.signatures.split("\n").map(outcomeOf));
    });
    let why = new Error("The signing thread has ended");
    worker.on("error", (cause) => {
      why = new Error("The signing thread failed", { cause });
    });
    // Not at the error: until the exit, answers of this thread may come, which would be taken for those of the next.
    worker.on("exit", () => this.#forget(worker, why));
    this.#told = 0;
    return worker;
  }

  /** What waited is refused; the next input starts a new thread. */
  #forget(worker: Worker, why: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#pipeline.fail(why);
  }
}

function outcomeOf(signature: string): string | Error {
  return signature === "" ? new Error("The signing thread could not sign") : signature;
}
