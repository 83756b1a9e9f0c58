import type { Clock, Random } from "@countersign/protocol";
import type { MetricsSource } from "./audit/observer.ts";
import type { AuditTrail } from "./audit/trail.ts";
import type { ClientService } from "./clients/client-service.ts";
import type { Config } from "./config.ts";
import type { AttestedKeys } from "./evidence/attested-keys.ts";
import type { TrustedIssuers } from "./exchange/trusted-issuers.ts";
import type { ManagedKeyRing } from "./keys/ring.ts";
import type { Limits } from "./limits/attempt-limits.ts";
import type { PasswordHasher } from "./limits/passwords.ts";
import type { PolicyService } from "./policy-store/policy-service.ts";
import type { Revocations } from "./revocations/revocations.ts";
import type { Store } from "./store/store.ts";
import type { UserService } from "./users/user-service.ts";

/** Everything that grants and endpoints work with. Each takes the slice it needs: `Pick<Services, "store" | "clock">`. */
export interface Services {
  /** The configuration, checked and complete. */
  readonly config: Config;
  /** The store. What is written through the services below has its audit record; what is written here has none. */
  readonly store: Store;
  /** The key ring: it signs, publishes and rotates. */
  readonly keys: ManagedKeyRing;
  /** The published keys with evidence of where they live. */
  readonly evidence: AttestedKeys;
  /** The clock of everything that is dated or expires. */
  readonly clock: Clock;
  /** The randomness of ids, secrets and keys. */
  readonly random: Random;
  /** The durable audit trail. */
  readonly audit: AuditTrail;
  /** The metrics of this process. */
  readonly metrics: MetricsSource;
  /** The people who log in. */
  readonly users: UserService;
  /** The OAuth clients. */
  readonly clients: ClientService;
  /** What was revoked before it expires. */
  readonly revocations: Revocations;
  /** Who may do what, for every kind of token. */
  readonly policy: PolicyService;
  /** The keys of trusted issuers. */
  readonly issuers: TrustedIssuers;
  /** The limits on attempts, counted in the store. */
  readonly limits: Limits;
  /** Hashes passwords, a bounded number at once. */
  readonly passwords: PasswordHasher;
  /** Where the authority stands between its start and its end. */
  readonly lifecycle: Lifecycle;
  /** Which client certificates the server asks for, for the metadata. */
  readonly clientCertificates: ClientCertificates;
  /** The authority of the server's own certificate, PEM, for clients that ask for it; absent where a public one issued it. */
  readonly serverAuthority?: string;
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
