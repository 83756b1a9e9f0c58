import type { EvidenceSource } from "@countersign/attestation/sources";
import { type Clock, defined, type Random, systemClock, systemRandom } from "@countersign/protocol";
import { createMetrics, type Metrics } from "./audit/metrics.ts";
import { joinObservers, type Observer } from "./audit/observer.ts";
import { createAuditTrail, retentionOf } from "./audit/trail.ts";
import { announceForClients, createClientService } from "./clients/client-service.ts";
import type { Config } from "./config.ts";
import { AttestedKeys } from "./evidence/attested-keys.ts";
import { openEvidenceSource } from "./evidence/open-source.ts";
import { type Network, noNetwork } from "./exchange/network.ts";
import { TrustedIssuers } from "./exchange/trusted-issuers.ts";
import type { Grant } from "./grants/grant.ts";
import { grantTable } from "./grants/grant-table.ts";
import { createApp } from "./http/app.ts";
import type { FetchHandler, HttpHandler, RefusalHandler } from "./http/message.ts";
import { toFetch } from "./http/platform.ts";
import type { KeyEncryptionKey } from "./keys/key-encryption-key.ts";
import { createKeyRing } from "./keys/ring.ts";
import { createLimits } from "./limits/attempt-limits.ts";
import { createPasswordHasher } from "./limits/passwords.ts";
import type { Policy } from "./policy/compile.ts";
import { createPolicyService } from "./policy-store/policy-service.ts";
import { createRevocations } from "./revocations/revocations.ts";
import type { ClientCertificates, Services } from "./services.ts";
import type { CapabilityAlgorithm } from "./store/records.ts";
import type { Store } from "./store/store.ts";
import { createUserService } from "./users/user-service.ts";

/** What an authority is made of. */
export interface AuthorityOptions {
  /** The configuration, as `parseConfig` gives it. */
  readonly config: Config;
  /** Where everything is kept that outlives the process. The authority closes it. */
  readonly store: Store;
  /** What private keys are sealed under in the store. */
  readonly keyEncryptionKey: KeyEncryptionKey;
  /** @default the machine's clock */
  readonly clock?: Clock;
  /** @default the machine's randomness */
  readonly random?: Random;
  /**
   * The policy of the configuration, as `compilePolicy` gives it. It counts in place of the store's, which cannot be changed
   * then. @default the store's, if it has one
   */
  readonly policy?: Policy;
  /**
   * How the keys of trusted issuers are fetched; `nodeNetwork` of `@countersign/authority/node` keeps clear of addresses that
   * lead inside. @default none: such keys cannot be had
   */
  readonly network?: Network;
  /** Where tokens are signed: in a thread of its own, or, for short-lived processes, where they are asked for. @default "thread" */
  readonly signing?: "thread" | "inline";
  /** The environment that vouches for the keys. @default the one that `evidence.source` of the configuration names */
  readonly evidence?: EvidenceSource;
  /** Counts events and requests, and answers /metrics. @default a registry of its own */
  readonly metrics?: Metrics;
  /** Which certificates the server in front asks clients for: what the metadata offer. @default "none" */
  readonly clientCertificates?: ClientCertificates;
  /**
   * The authority of the server's own certificate, PEM: what clients of `/ca_cert` get. @default none, as where a public
   * authority issued it
   */
  readonly serverAuthority?: string;
  /** Hears every event and request, beside the metrics. @default none */
  readonly observer?: Observer;
  /**
   * The grants at the token endpoint. For tests of a grant that is not offered.
   *
   * @internal
   * @default those that are offered
   */
  readonly grants?: readonly Grant[];
}

/** A running authority. */
export interface Authority {
  /** Answers one request. The connection says who is at the other end; without it nobody is on loopback. */
  readonly fetch: FetchHandler;
  /** Does the same for plain requests, which `serveAuthority` makes of messages without the platform's streams. */
  readonly respond: HttpHandler;
  /** Answers a plain request that a server refuses before it has its body. */
  readonly refuse: RefusalHandler;
  /** The parts, for those who embed an authority. */
  readonly services: Services;
  /** Says from now on that it is not ready, so that a balancer sends its requests elsewhere; still serves those that come. */
  drain(): void;
  /** Takes no new work, finishes what was accepted, then closes the store. */
  close(): Promise<void>;
}

/**
 * Makes an authority from its ports. It listens nowhere: give `fetch` to any server.
 *
 * @throws {CountersignError} `temporarily_unavailable` when the store cannot be read or written.
 * @example
 * ```ts
 * import { createAuthority, createKeyEncryptionKey, createMemoryStore, parseConfig } from "@countersign/authority";
 * import { systemClock, systemRandom } from "@countersign/protocol";
 * const authority = await createAuthority({
 *   config: parseConfig({ issuer: "http://localhost:8080" }),
 *   store: createMemoryStore({ clock: systemClock }),
 *   keyEncryptionKey: createKeyEncryptionKey(systemRandom.bytes(32)),
 * });
 * const response = await authority.fetch(new Request("http://localhost:8080/.well-known/jwks.json"));
 * response.status; // 200
 * await authority.close();
 * ```
 */
export async function createAuthority(options: AuthorityOptions): Promise<Authority> {
  const {
    config,
    store,
    keyEncryptionKey,
    clock = systemClock,
    random = systemRandom,
    metrics = createMetrics(),
  } = options;
  const observer = options.observer === undefined ? metrics : joinObservers([metrics, options.observer]);
  const audit = createAuditTrail({ store, clock, random, observer, ...retentionOf(config) });
  const { signing = "thread" } = options;
  const keys = await createKeyRing({
    store,
    clock,
    random,
    config,
    keyEncryptionKey,
    audit,
    signing,
    demanded: demandedKeys(config),
  });
  const grants = grantTable(options.grants);
  const limits = createLimits({ store, clock, config });
  const passwords = createPasswordHasher({ clock, random, config });
  const users = createUserService({ store, clock, random, audit, limits, passwords });
  const clients = createClientService({ store, clock, random, audit, keys, grants });
  const revocations = createRevocations({ store, clock, random, audit });
  const policy = createPolicyService({ store, clock, audit, ...defined({ configured: options.policy }) });
  const issuers = new TrustedIssuers({ clock, network: options.network ?? noNetwork, config, audit });
  const source = options.evidence ?? (await openEvidenceSource(config, clock));
  const evidence = new AttestedKeys({ source, keys, policy, clock, config, audit });
  const lifecycle = { closing: false, unready: undefined };
  const services: Services = {
    config,
    store,
    keys,
    evidence,
    clock,
    random,
    audit,
    metrics,
    limits,
    passwords,
    users,
    clients,
    policy,
    revocations,
    issuers,
    lifecycle,
    clientCertificates: options.clientCertificates ?? "none",
    ...defined({ serverAuthority: options.serverAuthority }),
  };
  const respond = createApp({ ...services, grants });
  audit.notice("authority.started", { issuer: config.issuer });
  // What fails here is made up for by the first request of such a client, which then waits.
  const announced = announceForClients(services).catch(() => undefined);
  return {
    fetch: toFetch(respond),
    respond,
    refuse: (refused, request, connection) => respond({ ...request, refused }, connection),
    services,
    drain() {
      lifecycle.closing = true;
    },
    async close() {
      lifecycle.closing = true;
      await announced;
      issuers.close();
      await keys.close();
      await store.close();
      audit.notice("authority.stopped", { issuer: config.issuer });
    },
  };
}

/** Keys of capability tokens are made at once, so that the first token does not wait for one. */
function demandedKeys({ capability }: Config): readonly CapabilityAlgorithm[] {
  if (!capability.enabled) return [];
  return [
    `biscuit-${capability.root_key}`,
    ...(capability.component === undefined ? [] : (["signoff-ed25519"] as const)),
  ];
}
