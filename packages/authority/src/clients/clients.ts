import type { ClientRecord } from "../store/records.ts";

/** What an administrator decides about a client. */
export type ClientSettings = Omit<ClientRecord, "clientId" | "secrets" | "createdAt"> & { readonly clientId?: string };

/** Applications: their grants, scopes and credentials. Each change is one conditional write and one audit record. */
export interface ClientService {
  byId(clientId: string): Promise<ClientRecord | undefined>;
  /** Creates a client; the secret is made when the method is client_secret_*, and given out only here. */
  create(settings: ClientSettings, actor: string): Promise<{ readonly client: ClientRecord; readonly secret?: string }>;
  /** Replaces the settings given; the others stay. */
  update(clientId: string, changes: Partial<ClientSettings>, actor: string): Promise<ClientRecord>;
  /** A new secret; the old ones go on working for `overlapMs`. */
  rotateSecret(
    clientId: string,
    overlapMs: number,
    actor: string,
  ): Promise<{ readonly client: ClientRecord; readonly secret: string }>;
  delete(clientId: string, actor: string): Promise<void>;
  list(page: {
    readonly limit: number;
    readonly after?: string;
    readonly search?: string;
  }): Promise<readonly ClientRecord[]>;
}
