import type { KeyObject } from "node:crypto";
import { parentPort } from "node:worker_threads";
import type { SigningAlgorithm } from "../store/records.ts";
import { signNow } from "./algorithms.ts";

/** A key that the thread is to know, under a number. */
export interface IntroducedKey {
  readonly id: number;
  readonly key: KeyObject;
  readonly algorithm: SigningAlgorithm;
}

/** One signature that is wanted: the number of the key, and a text of one line to sign. */
export type SigningJob = readonly [keyId: number, input: string];

/**
 * To the thread: keys it does not know yet, jobs as lines, number and input in turn, and the keys to forget when these
 * are done. One long text crosses to another thread for much less than many short ones.
 */
export interface SigningBatch {
  readonly introduced: readonly IntroducedKey[];
  readonly jobs: string;
  readonly forgotten: readonly number[];
}

/** From the thread: a signature a line, empty where signing failed. */
export interface SignedBatch {
  readonly signatures: string;
}

/** The thread of `SigningThread`: it knows keys by number and signs what it is sent, in order. */
const keys = new Map<number, IntroducedKey>();

parentPort?.on("message", ({ introduced, jobs, forgotten }: SigningBatch) => {
  for (const key of introduced) keys.set(key.id, key);
  const signatures = unpackJobs(jobs).map(signOne).join("\n");
  for (const id of forgotten) keys.delete(id);
  if (jobs !== "") parentPort?.postMessage({ signatures } satisfies SignedBatch);
});

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
