import { parentPort } from "node:worker_threads";
import { signNow } from "./sign.ts";
import type { IntroducedKey, SignedBatch, SigningBatch } from "./signing-thread.ts";

/** The thread of {@link SigningThread}: it knows keys by number and signs what it is sent, in order. */
const keys = new Map<number, IntroducedKey>();

parentPort?.on("message", ({ introduced, jobs }: SigningBatch) => {
  for (const key of introduced) keys.set(key.id, key);
  const signed: (string | null)[] = [];
  for (let index = 0; index < jobs.length; index += 2) signed.push(signOne(jobs[index], jobs[index + 1]));
  parentPort?.postMessage(signed satisfies SignedBatch);
});

/** A key that cannot sign refuses its own inputs, not those of others in the batch. */
function signOne(id: number | string | undefined, input: number | string | undefined): string | null {
  const known = typeof id === "number" ? keys.get(id) : undefined;
  if (known === undefined || typeof input !== "string") return null;
  try {
    return signNow(known.key, known.algorithm, input);
  } catch {
    return null;
  }
}
