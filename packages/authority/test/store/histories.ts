import type { Random } from "@countersign/protocol";
import type { Store } from "../../src/store/store.ts";
import { type Operation, unexplained } from "./linearizability.ts";

/** How histories are made. */
export interface HistoriesOptions {
  /** Clients take the stores in turn: each stands for a node. */
  readonly stores: readonly Store[];
  readonly random: Random;
  readonly histories: number;
  readonly clients: number;
  readonly operationsPerClient: number;
}

/** Runs histories of concurrent operations on two keys; resolves to the keys that no order explains, and to what was done. */
export async function checkHistories(options: HistoriesOptions) {
  const { histories, clients, stores, random, operationsPerClient } = options;
  const faults: string[] = [];
  let operations = 0;
  for (let number = 0; number < histories; number++) {
    const recorder = new Recorder(number, random);
    const running = Array.from({ length: clients }, async (_, client) => {
      const store = stores[client % stores.length];
      for (let turn = 0; store !== undefined && turn < operationsPerClient; turn++)
        await recorder.act(store, `${client} ${turn}`);
    });
    await Promise.all(running);
    operations += recorder.history.length;
    faults.push(...unexplained(recorder.history));
  }
  return { histories, operations, faults };
}

class Recorder {
  readonly history: Operation[] = [];
  readonly #number: number;
  readonly #random: Random;
  #tick = 0;

  constructor(number: number, random: Random) {
    this.#number = number;
    this.#random = random;
  }

  async act(store: Store, value: string): Promise<void> {
    const [dice = 0, place = 0] = this.#random.bytes(2);
    const key = `history ${this.#number} ${place % 2}`;
    if (dice % 8 === 0) await this.#take(store, key);
    else await this.#swap(store, key, value);
  }

  async #swap(store: Store, key: string, written: string): Promise<void> {
    const readAt = this.#tick++;
    const item = await store.get<string>(key);
    this.history.push({ key, kind: "get", invokedAt: readAt, returnedAt: this.#tick++, found: item?.value });
    const operation = { key, kind: "swap" as const, invokedAt: this.#tick++, expected: item?.value, written };
    try {
      const version = await store.swap(key, item?.version ?? 0, { value: written });
      this.history.push({ ...operation, returnedAt: this.#tick++, isDone: version !== undefined });
    } catch {
      this.history.push({ ...operation, returnedAt: Number.POSITIVE_INFINITY });
    }
  }

  async #take(store: Store, key: string): Promise<void> {
    const invokedAt = this.#tick++;
    try {
      const item = await store.take<string>(key);
      this.history.push({ key, kind: "take", invokedAt, returnedAt: this.#tick++, found: item?.value });
    } catch {
      this.history.push({ key, kind: "take", invokedAt, returnedAt: Number.POSITIVE_INFINITY });
    }
  }
}
