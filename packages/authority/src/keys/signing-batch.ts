import type { KeyObject } from "node:crypto";
import type { SigningAlgorithm } from "../store/records.ts";

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

export function packJobs(jobs: readonly SigningJob[]): string {
  return jobs.map(([keyId, input]) => `${keyId}\n${input}`).join("\n");
}

export function unpackJobs(lines: string): readonly SigningJob[] {
  const cells = lines.split("\n");
  return Array.from({ length: cells.length / 2 }, (_, job) => [Number(cells[2 * job]), cells[2 * job + 1] ?? ""]);
}
