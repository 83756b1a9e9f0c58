import { equalInConstantTime, sha256 } from "@countersign/protocol";
import type { ClientRecord } from "../store/records.ts";

/** Compared when a client is unknown, so that it takes as long as a wrong secret does. */
const noSecret = { hash: sha256("no client has this secret"), expiresAt: 0 };

/** Whether a secret is one of the client's that are not yet expired. Compares digests in constant time. */
export function hasSecret(client: ClientRecord | undefined, secret: string, now: number): boolean {
  const hash = sha256(secret);
  const candidates = client === undefined || client.secrets.length === 0 ? [noSecret] : client.secrets;
  let found = false;
  for (const candidate of candidates) {
    const equal = equalInConstantTime(hash, candidate.hash);
    found ||= equal && (candidate.expiresAt === undefined || now < candidate.expiresAt);
  }
  return found;
}
