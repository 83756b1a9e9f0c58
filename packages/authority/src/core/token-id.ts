import { type Random, randomSecret } from "@countersign/protocol";
import type { ClientRecord } from "../store/records.ts";

const RANDOM_BYTES = 16;
const RANDOM_LENGTH = 22;

/** Whom a token is about: a user, or another client than the one that it is given to. */
export interface Incarnate {
  readonly incarnation: string;
}

/**
 * The id of a new access token (`jti`): 128 random bits, and the incarnations of whom it is given to. By those a token is
 * told from one of a client or user that had the same id before, without a claim that others would have to know.
 */
export function tokenIdFor(random: Random, client: ClientRecord, subject: Incarnate | undefined): string {
  return randomSecret(random, RANDOM_BYTES) + incarnationsOf(client, subject);
}

/** Whether a token was given to this client, about this subject, and not to others of the same ids. */
export function isTokenIdOf(jti: string, client: ClientRecord, subject: Incarnate | undefined): boolean {
  return jti.slice(RANDOM_LENGTH) === incarnationsOf(client, subject);
}

function incarnationsOf(client: ClientRecord, subject: Incarnate | undefined): string {
  return client.incarnation + (subject?.incarnation ?? "");
}
