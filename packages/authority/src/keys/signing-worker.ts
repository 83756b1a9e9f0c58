import { parentPort } from "node:worker_threads";
import { signNow } from "./sign.ts";
import {
  type IntroducedKey,
  type SignedBatch,
  type SigningBatch,
  type SigningJob,
  unpackJobs,
} from "./signing-batch.ts";

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
