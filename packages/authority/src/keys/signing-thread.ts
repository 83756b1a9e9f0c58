import type { KeyObject } from "node:crypto";
import type { Worker } from "node:worker_threads";
import type { RingAlgorithm } from "../store/records.ts";
import { Pipeline } from "../threads/pipeline.ts";
import { startThread } from "../threads/start-thread.ts";
import type { SignatureFunction, SigningPlace } from "./algorithms.ts";
import type { IntroducedKey, KeyChange, SigningJob } from "./signing-worker.ts";

/**
 * Signs in a thread of its own, many inputs a message. Handing each signature to the thread pool costs the event loop
 * more than all else that a token request asks of it; a batch costs it once.
 */
export class SigningThread implements SigningPlace {
  #worker: Worker | undefined;
  /** Every key in use, by its number: a new thread must be told of them all. */
  readonly #keys = new Map<number, IntroducedKey>();
  readonly #uses = new WeakMap<SignatureFunction, KeyUse>();
  #nextId = 0;
  /** What the thread is to be told of with the next message. */
  #introduced: IntroducedKey[] = [];
  #forgotten: number[] = [];
  #drained: (() => void) | undefined;
  readonly #pipeline = new Pipeline<SigningJob, string>({
    batchSize: 16,
    send: (jobs) => this.#send(jobs),
    onIdle: () => this.#rest(),
  });

  signWith(key: KeyObject, algorithm: RingAlgorithm): SignatureFunction {
    const use: KeyUse = { id: undefined, isForgotten: false };
    const sign: SignatureFunction = async (input) => {
      // In a batch a second line would be the next job, and the signatures would go to the wrong callers.
      if (input.includes("\n")) throw new TypeError("Cannot sign a text of several lines: it is no JWS signing input");
      if (use.isForgotten) throw new Error("Cannot sign with a key that was erased");
      use.id ??= this.#introduce(key, algorithm);
      return this.#pipeline.submit([use.id, input]);
    };
    this.#uses.set(sign, use);
    return sign;
  }

  forget(sign: SignatureFunction): void {
    const use = this.#uses.get(sign);
    if (use === undefined) return;
    use.isForgotten = true;
    if (use.id === undefined) return;
    this.#keys.delete(use.id);
    this.#forgotten.push(use.id);
    // Otherwise with the next jobs, or when the last of them is done.
    if (this.#pipeline.size > 0) return;
    if (this.#worker === undefined) this.#startAfresh();
    else this.#tellOfErasedKeys(this.#worker);
  }

  #introduce(key: KeyObject, algorithm: RingAlgorithm): number {
    const introduced = { id: this.#nextId++, key, algorithm };
    this.#keys.set(introduced.id, introduced);
    this.#introduced.push(introduced);
    return introduced.id;
  }

  /** The next thread knows nothing yet. */
  #startAfresh(): void {
    this.#worker = undefined;
    this.#introduced = [...this.#keys.values()];
    this.#forgotten = [];
  }

  #tellOfNewKeys(worker: Worker): void {
    if (this.#introduced.length === 0) return;
    worker.postMessage({ introduced: this.#introduced } satisfies KeyChange);
    this.#introduced = [];
  }

  /** After the jobs that were accepted before the key was to be forgotten. */
  #tellOfErasedKeys(worker: Worker): void {
    if (this.#forgotten.length === 0) return;
    worker.postMessage({ forgotten: this.#forgotten } satisfies KeyChange);
    this.#forgotten = [];
  }

  async close(): Promise<void> {
    if (this.#pipeline.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drained = resolve;
      await promise;
    }
    const worker = this.#worker;
    this.#startAfresh();
    await worker?.terminate();
  }

  #send(jobs: readonly SigningJob[]): void {
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#tellOfNewKeys(this.#worker);
    this.#worker.postMessage(packJobs(jobs));
    this.#tellOfErasedKeys(this.#worker);
  }

  /** Lets the process end while nobody waits for a signature. */
  #rest(): void {
    if (this.#worker !== undefined) this.#tellOfErasedKeys(this.#worker);
    this.#worker?.unref();
    this.#drained?.();
  }

  #start(): Worker {
    const worker = startThread(new URL("./signing-worker", import.meta.url));
    worker.on("message", (message: unknown) => {
      // `node --watch` sends messages of its own from every thread.
      if (typeof message === "string") this.#pipeline.settle(message.split("\n").map(outcomeOf));
    });
    let why = new Error("The signing thread has ended");
    worker.on("error", (cause) => {
      why = new Error("The signing thread failed", { cause });
    });
    // Not at the error: until the exit, answers of this thread may come, which would be taken for those of the next.
    worker.on("exit", () => this.#ended(worker, why));
    return worker;
  }

  /** What waited is refused; the next input starts a new thread. */
  #ended(worker: Worker, why: Error): void {
    if (this.#worker !== worker) return;
    this.#startAfresh();
    this.#pipeline.fail(why);
  }
}

/** What became of a key that signs here. */
interface KeyUse {
  /** Its number, from its first signature on: a key that never signs is not kept. */
  id: number | undefined;
  isForgotten: boolean;
}

function outcomeOf(signature: string): string | Error {
  return signature === "" ? new Error("The signing thread could not sign") : signature;
}

/** The lines that the worker unpacks: one text crosses to another thread for less than an object or many texts. */
function packJobs(jobs: readonly SigningJob[]): string {
  return jobs.map(([keyId, input]) => `${keyId}\n${input}`).join("\n");
}
