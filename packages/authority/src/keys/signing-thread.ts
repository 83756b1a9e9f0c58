import type { KeyObject } from "node:crypto";
import { Worker } from "node:worker_threads";
import type { SigningAlgorithm } from "../store/records.ts";
import type { SignatureFunction, SigningPlace } from "./sign.ts";

/** A key that the thread is to know, under a number. */
export interface IntroducedKey {
  readonly id: number;
  readonly key: KeyObject;
  readonly algorithm: SigningAlgorithm;
}

/** What goes to the thread in one message: keys it does not know yet, then keys and inputs in turn. */
export interface SigningBatch {
  readonly introduced: readonly IntroducedKey[];
  readonly jobs: readonly (number | string)[];
}

/** What comes back: a signature each, or `null` where signing failed. */
export type SignedBatch = readonly (string | null)[];

/** A batch is short-lived: a large young generation would only hold memory. */
const resourceLimits = { maxYoungGenerationSizeMb: 8 };

interface Waiter {
  readonly resolve: (signature: string) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Signs in a thread of its own, many inputs a message. Handing each signature to the thread pool costs the event loop
 * more than all else that a token request asks of it; a batch costs it once.
 */
export class SigningThread implements SigningPlace {
  #worker: Worker | undefined;
  /** Every key there is, by its number: a new thread must be told of them all. */
  readonly #keys: IntroducedKey[] = [];
  #told = 0;
  #jobs: (number | string)[] = [];
  #gathering: Waiter[] = [];
  #signing: readonly Waiter[] | undefined;
  #scheduled = false;
  #drained: (() => void) | undefined;

  signWith(key: KeyObject, algorithm: SigningAlgorithm): SignatureFunction {
    const id = this.#keys.length;
    this.#keys.push({ id, key, algorithm });
    return (input) =>
      new Promise((resolve, reject) => {
        this.#jobs.push(id, input);
        this.#gathering.push({ resolve, reject });
        this.#schedule();
      });
  }

  async close(): Promise<void> {
    if (!this.#isIdle())
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  /** Posts after the events of this turn, so that requests which arrived together are signed together. */
  #schedule(): void {
    if (this.#scheduled || this.#signing !== undefined) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#post();
    });
  }

  #post(): void {
    if (this.#signing !== undefined || this.#gathering.length === 0) return;
    this.#worker ??= this.#start();
    const batch: SigningBatch = { introduced: this.#keys.slice(this.#told), jobs: this.#jobs };
    this.#told = this.#keys.length;
    this.#signing = this.#gathering;
    this.#jobs = [];
    this.#gathering = [];
    this.#worker.ref();
    this.#worker.postMessage(batch);
  }

  #settle(signatures: SignedBatch): void {
    const waiters = this.#signing ?? [];
    this.#signing = undefined;
    this.#post();
    if (this.#isIdle()) this.#rest();
    for (const [index, waiter] of waiters.entries()) {
      const signature = signatures[index];
      if (typeof signature === "string") waiter.resolve(signature);
      else waiter.reject(new Error("The signing thread could not sign"));
    }
  }

  #isIdle(): boolean {
    return this.#signing === undefined && this.#gathering.length === 0;
  }

  /** Lets the process end while nobody waits for a signature. */
  #rest(): void {
    this.#worker?.unref();
    this.#drained?.();
  }

  #start(): Worker {
    // Sources run as they are; a build has the compiled file beside this one.
    const file = import.meta.url.endsWith(".ts") ? "./signing-worker.ts" : "./signing-worker.js";
    const worker = new Worker(new URL(file, import.meta.url), { execArgv: [], resourceLimits });
    worker.on("message", (signatures: SignedBatch) => this.#settle(signatures));
    worker.on("error", (cause) => this.#fail(new Error("The signing thread failed", { cause })));
    worker.on("exit", () => this.#fail(new Error("The signing thread has ended")));
    return worker;
  }

  /** What waited is refused; the next input starts a new thread. */
  #fail(error: Error): void {
    this.#worker = undefined;
    this.#told = 0;
    for (const waiter of [...(this.#signing ?? []), ...this.#gathering]) waiter.reject(error);
    this.#signing = undefined;
    this.#gathering = [];
    this.#jobs = [];
    this.#rest();
  }
}
