import {
  type Clock,
  defined,
  importKeys,
  KeyCache,
  type KeyCacheOptions,
  type KeySource,
  registeredKeys,
} from "@countersign/protocol";
import type { AuditTrail } from "../audit/trail.ts";
import type { Config } from "../config.ts";
import type { ExchangePolicy } from "../policy/exchange.ts";
import type { IssuerEntry } from "../policy/exchange-document.ts";
import { canonical } from "../policy/read.ts";
import { type ClosableKeySource, DiscoveredKeys } from "./discovered-keys.ts";
import type { Network } from "./network.ts";

/** What the keys of trusted issuers are kept with. */
export interface TrustedIssuersOptions {
  readonly clock: Clock;
  readonly network: Network;
  readonly config: Pick<Config, "exchange">;
  readonly audit: Pick<AuditTrail, "notice">;
}

/**
 * The keys of trusted issuers: of each its own, so that no key of one ever verifies a token of another. They are kept while
 * the entry of the issuer stays as it is, over changes of the policy, and let go when it is gone.
 */
export class TrustedIssuers {
  readonly #options: TrustedIssuersOptions;
  readonly #sources = new Map<string, ClosableKeySource>();
  #policy: ExchangePolicy | undefined;

  constructor(options: TrustedIssuersOptions) {
    this.#options = options;
  }

  /** The keys of an issuer of this policy. */
  keysOf(entry: IssuerEntry, policy: ExchangePolicy): KeySource {
    if (policy !== this.#policy) this.#keep(policy);
    const name = canonical(entry);
    const known = this.#sources.get(name) ?? this.#open(entry);
    this.#sources.set(name, known);
    return known;
  }

  /** Ends what is being fetched. */
  close(): void {
    for (const source of this.#sources.values()) source.close();
    this.#sources.clear();
  }

  #keep(policy: ExchangePolicy): void {
    this.#policy = policy;
    const names = new Set([...policy.issuers.values()].map(canonical));
    for (const [name, source] of this.#sources) {
      if (names.has(name)) continue;
      source.close();
      this.#sources.delete(name);
    }
  }

  #open(entry: IssuerEntry): ClosableKeySource {
    if (entry.jwks !== undefined) return { ...staticKeys(entry, entry.jwks), close: () => {} };
    if (entry.jwks_url !== undefined) return this.#cacheAt(entry, entry.jwks_url);
    const url = entry.discovery_url ?? `${entry.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    return new DiscoveredKeys({
      issuer: entry.issuer,
      url,
      clock: this.#options.clock,
      fetch: this.#fetchFor(entry, url),
      cacheAt: (jwksUrl) => this.#cacheAt(entry, jwksUrl),
      observe: (error) => this.#failed(entry, error),
    });
  }

  #cacheAt(entry: IssuerEntry, url: string): KeyCache {
    return new KeyCache(url, {
      ...importing(entry),
      clock: this.#options.clock,
      fetch: this.#fetchFor(entry, url),
      observe: (event) => {
        if (event.type === "failed") this.#failed(entry, event.error);
      },
    });
  }

  /** Where the address lies inside is for the configuration to say, not for whoever writes the policy. */
  #fetchFor({ ca }: IssuerEntry, url: string) {
    const allowPrivate = this.#options.config.exchange.private_hosts.includes(new URL(url).hostname);
    return this.#options.network({ allowPrivate, ...defined({ ca }) });
  }

  #failed({ issuer }: IssuerEntry, error: unknown): void {
    const detail = error instanceof Error ? withCause(error) : "unknown";
    this.#options.audit.notice("issuer.unavailable", { issuer, detail });
  }
}

/** Fetch says only that it failed; why is in its cause. */
function withCause({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

function staticKeys(entry: IssuerEntry, jwks: NonNullable<IssuerEntry["jwks"]>): KeySource {
  return entry.profile === "spiffe" ? importKeys(jwks, importing(entry)) : registeredKeys(jwks);
}

function importing({ algorithms, profile }: IssuerEntry): Pick<KeyCacheOptions, "algorithms" | "uses"> {
  // SPIFFE Trust Domain and Bundle section 4.2.2: keys for JWT-SVIDs say so.
  return defined({ algorithms, uses: profile === "spiffe" ? ["jwt-svid"] : undefined });
}
