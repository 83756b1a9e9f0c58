import type { KeyObject } from "node:crypto";
import { parentPort } from "node:worker_threads";
import type { RingAlgorithm } from "../store/records.ts";
import { signNow } from "./algorithms.ts";

/** A key that the thread is to know, under a number. */
export interface IntroducedKey {
  readonly id: number;
  readonly key: KeyObject;
  readonly algorithm: RingAlgorithm;
}

/** One signature that is wanted: the number of the key, and a text of one line to sign. */
export type SigningJob = readonly [keyId: number, input: string];

/** To the thread, between jobs: keys that it does not know yet, or the numbers of those that it is to forget. */
export interface KeyChange {
  readonly introduced?: readonly IntroducedKey[];
  readonly forgotten?: readonly number[];
}

/** The thread of `SigningThread`: it knows keys by number and signs what it is sent, in order. */
const keys = new Map<number, IntroducedKey>();

parentPort?.on("message", (message: string | KeyChange) => {
  if (typeof message === "string") parentPort?.postMessage(unpackJobs(message).map(signOne).join("\n"));
  else change(message);
});

function change({ introduced = [], forgotten = [] }: KeyChange): void {
  for (const key of introduced) keys.set(key.id, key);
  for (const id of forgotten) keys.delete(id);
}

/** A key that cannot sign refuses its own inputs, not those of others in the batch. */
function signOne([keyId, input]: SigningJob): string {
  const known = keys.get(keyId);
  if (known === undefined) return "";
  try {
    return signNow(known.key, known.algorithm, input);
  } catch {
    return "";
  }
}

function unpackJobs(lines: string): readonly SigningJob[] {
  const cells = lines.split("\n");
  return Array.from({ length: cells.length / 2 }, (_, job) => [Number(cells[2 * job]), cells[2 * job + 1] ?? ""]);
}
