import type { ClientRecord } from "../store/records.ts";

/** What an administrator decides about a client. */
export type ClientSettings = Omit<ClientRecord, "clientId" | "secrets" | "createdAt" | "incarnation"> & {
  readonly clientId?: string;
};

/** Which clients to list. */
export interface ClientPage {
  /** 1 to 1,000. */
  readonly limit: number;
  readonly after?: string;
  /** Part of a client id or name, in any case. */
  readonly search?: string;
}

/**
 * Applications: their grants, scopes and credentials. Each change is one commit with its audit record.
 * Methods that take a client id refuse with `not_found` when there is no such client; settings that are malformed or
 * contradict each other are `invalid_client_metadata`.
 */
export interface ClientService {
  byId(clientId: string): Promise<ClientRecord | undefined>;
  /** Creates a client; the secret is made when the method is client_secret_*, and given out only here. */
  create(settings: ClientSettings, actor: string): Promise<{ readonly client: ClientRecord; readonly secret?: string }>;
  /**
   * Replaces the settings given, those of `token` one by one; the others stay. A client that changes to a method with a
   * secret has none until `rotateSecret`.
   */
  update(clientId: string, changes: Partial<ClientSettings>, actor: string): Promise<ClientRecord>;
  /**
   * A new secret; the newest old one goes on working for `overlapMs`, 0 to 90 days. Refuses with `conflict` when another
   * rotation came first: of those that run at once one gives a secret, and that works.
   */
  rotateSecret(
    clientId: string,
    overlapMs: number,
    actor: string,
  ): Promise<{ readonly client: ClientRecord; readonly secret: string }>;
  /** Removes a client. Its refresh families die with it, because a refresh reads the client. */
  delete(clientId: string, actor: string): Promise<void>;
  /** Clients in the order of their ids, after the id `after`. A search reads every client until it has found `limit`. */
  list(page: ClientPage): Promise<readonly ClientRecord[]>;
}
