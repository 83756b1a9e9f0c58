import { type Random, randomSecret } from "@countersign/protocol";
import type { ClientRecord, UserRecord } from "../store/records.ts";

const randomBytes = 16;
const randomLength = 22;

/**
 * The id of a new access token (`jti`): 128 random bits, and the incarnations of whom it is given to. By those a token is
 * told from one of a client or user that had the same id before, without a claim that others would have to know.
 */
export function tokenIdFor(random: Random, client: ClientRecord, user: UserRecord | undefined): string {
  return randomSecret(random, randomBytes) + incarnationsOf(client, user);
}

/** Whether a token was given to this client and user, and not to others of the same ids. */
export function isTokenIdOf(jti: string, client: ClientRecord, user: UserRecord | undefined): boolean {
  return jti.slice(randomLength) === incarnationsOf(client, user);
}

function incarnationsOf(client: ClientRecord, user: UserRecord | undefined): string {
  return client.incarnation + (user?.incarnation ?? "");
}
