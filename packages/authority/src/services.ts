import type { Clock, Random } from "@countersign/protocol";
import type { MetricsSource } from "./audit/observer.ts";
import type { AuditTrail } from "./audit/trail.ts";
import type { ClientService } from "./clients/client-service.ts";
import type { Config } from "./config.ts";
import type { GrantTable } from "./grants/grant-table.ts";
import type { ManagedKeyRing } from "./keys/ring.ts";
import type { Limits } from "./limits/attempt-limits.ts";
import type { PasswordHasher } from "./limits/passwords.ts";
import type { Store } from "./store/store.ts";
import type { UserService } from "./users/user-service.ts";

/** Everything that grants and faces work with. Each takes the slice it needs: `Pick<Services, "store" | "clock">`. */
export interface Services {
  readonly config: Config;
  readonly store: Store;
  readonly keys: ManagedKeyRing;
  readonly clock: Clock;
  readonly random: Random;
  readonly audit: AuditTrail;
  readonly metrics: MetricsSource;
  readonly users: UserService;
  readonly clients: ClientService;
  readonly grants: GrantTable;
  readonly limits: Limits;
  readonly passwords: PasswordHasher;
  readonly lifecycle: Lifecycle;
  readonly clientCertificates: ClientCertificates;
}

/**
 * Which certificates of clients the server in front of an authority asks for (RFC 8705): none, as behind a proxy that ends
 * TLS; any, without a chain; or also those of authorities that it trusts.
 */
export type ClientCertificates = "none" | "self-signed" | "self-signed or trusted";

/** Where an authority stands between its start and its end. */
export interface Lifecycle {
  /** Whether it takes no new work. */
  readonly closing: boolean;
  /** What it last told of why it is not ready; nothing while it is. */
  unready: { readonly detail: string; readonly toldAt: number } | undefined;
}
