import type { EvidenceSource } from "@countersign/attestation/sources";
import { type Clock, CountersignError, defined, sha256 } from "@countersign/protocol";
import type { JWK } from "jose";
import type { AuditTrail } from "../audit/trail.ts";
import type { Config } from "../config.ts";
import type { PublishedKeys } from "../keys/open-ring.ts";
import type { ManagedKeyRing } from "../keys/ring.ts";
import type { PolicyService } from "../policy-store/policy-service.ts";
import { type AttestedClaims, attestClaims, type EvidenceMembers, evidenceMembers } from "./key-evidence.ts";
import { Pace } from "./pace.ts";

/** What attested keys are made of. */
export interface AttestedKeysOptions {
  readonly source: EvidenceSource;
  readonly keys: Pick<ManagedKeyRing, "published" | "certify">;
  readonly policy: Pick<PolicyService, "current">;
  readonly clock: Clock;
  readonly config: Pick<Config, "issuer" | "evidence" | "tokens">;
  readonly audit: Pick<AuditTrail, "notice">;
}

/** A key as it is published, with its evidence where it has some. */
export type AttestedJwk = JWK & { readonly att?: EvidenceMembers["att"] };

/** The set of attested keys as it is published. */
export interface AttestedSet extends PublishedKeys {
  readonly keys: readonly AttestedJwk[];
}

interface Held {
  readonly members: EvidenceMembers;
  readonly madeAt: number;
  readonly policy: string | undefined;
}

/** Fresh evidence, as it is asked for with a nonce. */
export interface FreshEvidence extends AttestedClaims {
  readonly jwk: JWK;
}

/** After a failure the environment is left alone for so long. */
const COOL_DOWN_MS = 30_000;

/**
 * The keys of the ring with evidence of where they live. Evidence is made for a key when it is first published, and anew at
 * half of its life or when the policy changes, in the background; a key that is gone takes its evidence with it.
 */
export class AttestedKeys {
  readonly #options: AttestedKeysOptions;
  readonly #lifeMs: number;
  readonly #pace: Pace;
  readonly #held = new Map<string, Held>();
  readonly #pending = new Map<string, Promise<void>>();
  readonly #failedAt = new Map<string, number>();
  #shown:
    | {
        readonly from: PublishedKeys;
        readonly members: readonly (EvidenceMembers | undefined)[];
        readonly set: AttestedSet;
      }
    | undefined;

  constructor(options: AttestedKeysOptions) {
    this.#options = options;
    this.#lifeMs = options.config.evidence.lifetime * 1000;
    this.#pace = new Pace(options.clock, options.config.evidence.fresh_per_minute);
  }

  /** The name of the source. */
  get source(): string {
    return this.#options.source.name;
  }

  /** What the ring publishes, each key with its evidence. A key that has none yet, as the environment failed, is plain. */
  async published(): Promise<AttestedSet> {
    const from = this.#options.keys.published("jwks");
    if (this.source === "none") return from;
    const policy = await this.#policyHash();
    await Promise.all(from.keys.map((jwk) => this.#ensure(jwk, policy)));
    const members = from.keys.map(({ kid = "" }) => this.#held.get(kid)?.members);
    const isShown = this.#shown?.from === from && members.every((one, at) => one === this.#shown?.members[at]);
    if (this.#shown === undefined || !isShown) {
      this.#forget(from.keys);
      this.#shown = { from, members, set: serialise(from.keys.map((jwk, at) => ({ ...jwk, ...members[at] }))) };
    }
    return this.#shown.set;
  }

  /**
   * Evidence for the key that signs now, made for a nonce, which names every other key.
   *
   * @throws {CountersignError} `not_found` without a source, `too_many_requests`, `temporarily_unavailable` when the
   * environment gives none.
   */
  async fresh(nonce: string): Promise<FreshEvidence> {
    const { keys, config, source, clock } = this.#options;
    if (this.source === "none")
      throw new CountersignError("not_found", { hint: "This authority has no source of evidence" });
    const retryAfterMs = this.#pace.take();
    if (retryAfterMs > 0) throw new CountersignError("too_many_requests", { retryAfterMs });
    const all = keys.published("jwks").keys;
    const jwk = all.find(({ alg }) => alg === config.tokens.algorithm) ?? all[0];
    if (jwk === undefined) throw new CountersignError("temporarily_unavailable", { detail: "no key is published" });
    const jwks = all.map(({ kid = "" }) => kid);
    const options = { source, issuer: config.issuer, now: clock.now(), lifeMs: this.#lifeMs, nonce, jwks };
    const policy = await this.#policyHash();
    const attested = await attestClaims(jwk, { ...options, policy }).catch((error: unknown) => {
      throw new CountersignError("temporarily_unavailable", { detail: reasonOf(error), retryAfterMs: COOL_DOWN_MS });
    });
    if (attested === undefined) throw new CountersignError("not_found");
    return { ...attested, jwk };
  }

  async #policyHash(): Promise<string | undefined> {
    return (await this.#options.policy.current()).policy?.hash;
  }

  /** Waits only where there is nothing that could be shown meanwhile. */
  async #ensure(jwk: JWK, policy: string | undefined): Promise<void> {
    const kid = jwk.kid ?? "";
    const held = this.#held.get(kid);
    const now = this.#options.clock.now();
    const age = held === undefined ? Number.POSITIVE_INFINITY : Math.abs(now - held.madeAt);
    if (age < this.#lifeMs / 2 && held?.policy === policy) return;
    // What has expired convinces nobody.
    if (age >= this.#lifeMs) this.#held.delete(kid);
    const failedAt = this.#failedAt.get(kid);
    if (failedAt !== undefined && Math.abs(this.#options.clock.monotonic() - failedAt) < COOL_DOWN_MS) return;
    const pending = this.#pending.get(kid) ?? this.#renew(jwk, kid, policy);
    this.#pending.set(kid, pending);
    if (!this.#held.has(kid)) await pending;
  }

  async #renew(jwk: JWK, kid: string, policy: string | undefined): Promise<void> {
    const { source, keys, clock, config, audit } = this.#options;
    const madeAt = clock.now();
    try {
      const options = { source, issuer: config.issuer, now: madeAt, lifeMs: this.#lifeMs, policy };
      const attested = await attestClaims(jwk, options);
      if (attested === undefined) return;
      const members = await evidenceMembers(jwk, attested, (bytes) => keys.certify(kid, bytes));
      this.#held.set(kid, { members, madeAt, policy });
      this.#failedAt.delete(kid);
      audit.notice("evidence.renewed", { kid, source: source.name });
    } catch (error) {
      this.#failedAt.set(kid, clock.monotonic());
      audit.notice("evidence.failed", { kid, source: source.name, detail: reasonOf(error) });
    } finally {
      this.#pending.delete(kid);
    }
  }

  /** Keys that were withdrawn or retired. */
  #forget(keys: readonly JWK[]): void {
    const kids = new Set(keys.map(({ kid }) => kid));
    for (const map of [this.#held, this.#failedAt]) {
      for (const kid of map.keys()) if (!kids.has(kid)) map.delete(kid);
    }
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : "the environment gave no reason";

function serialise(jwks: readonly AttestedJwk[]): AttestedSet {
  const keys = Object.freeze(jwks.map((jwk) => Object.freeze(defined(jwk))));
  const body = JSON.stringify({ keys });
  return Object.freeze({ body, etag: `"${sha256(body)}"`, keys });
}
