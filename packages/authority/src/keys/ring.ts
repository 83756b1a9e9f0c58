import { CountersignError } from "@countersign/protocol";
import type { Config } from "../config.ts";
import { type RingAlgorithm, ringAlgorithms } from "../store/records.ts";
import { inlineSigning, type KeySetName, type SigningPlace } from "./algorithms.ts";
import { derive, type Publication, type PublishedKeys, publish } from "./open-ring.ts";
import { carryOut, isUnchanged, refuseFlood, refuseInUse, refuseKnown, refuseUnknown } from "./ring-record.ts";
import { admit, rotateNow, timetable, withdraw } from "./rotation.ts";
import { DEFAULT_RELOAD_MS, policyOf, scheduleOf, stateOf } from "./schedule.ts";
import { type Readiness, readinessOf, type Signer, Signers, signsFrom } from "./signers.ts";
import type { PrivateSigningKey } from "./signing-key.ts";
import { SigningThread } from "./signing-thread.ts";
import {
  describeKey,
  type KeyDescription,
  openStoredRing,
  type StoredRing,
  type StoredRingOptions,
} from "./stored-ring.ts";

/** What the rest of the authority needs of the key ring. */
export interface KeyRing {
  /**
   * The active signer of an algorithm. Where there is no key yet, one is published, and as long as it does not sign the
   * answer is `temporarily_unavailable` with the time to wait.
   */
  signer(algorithm: RingAlgorithm): Promise<Signer>;
  /** Publishes a key for an algorithm that has none, so that verifiers know it before it signs. */
  announce(algorithm: RingAlgorithm): Promise<void>;
  /** When the first key of an algorithm begins to sign; `undefined` when it did, or there is none. Milliseconds. */
  signsFrom(algorithm: RingAlgorithm): number | undefined;
  /**
   * What verifiers read: `jwks` holds what every JOSE library can parse, `pqc` the ML-DSA keys, `roots` those of capability
   * tokens, `signoffs` those that this authority signs off with.
   */
  published(set: KeySetName): PublishedKeys;
  /** HMAC-SHA-256 under the ring's own sealed secret, base64url: the successor of a refresh token, and a token's mark. */
  derive(purpose: "refresh" | "refresh mark", input: string): string;
}

/** What a key ring is made with. */
export interface KeyRingOptions extends Omit<StoredRingOptions, "place" | "policy"> {
  readonly config: Pick<Config, "keys" | "tokens">;
  /** What keys are made for at once, beside ES256 and those that the configuration names. @default nothing */
  readonly demanded?: readonly RingAlgorithm[];
  /** Where ES256 and EdDSA signatures are computed: in a thread of their own, or where they are asked for. @default "thread" */
  readonly signing?: "thread" | "inline";
  /** How often the ring is read again, and the timetable looked at. @default 60000 */
  readonly reloadEveryMs?: number;
}

/** How soon a new key signs. */
export interface SuccessionOptions {
  /**
   * Sign with the new key at once, although verifiers that cached the JWK set may not know it yet.
   * @default false: it signs when it has been published long enough
   */
  readonly now?: boolean;
}

/**
 * The key ring with its commands. Each change is one commit with an audit record a key, which names `actor`. Commands reject
 * with `CountersignError`: `not_found`, `conflict`, `already_exists`, or the store's `temporarily_unavailable`.
 */
export interface ManagedKeyRing extends KeyRing {
  /** Every key, algorithm by algorithm, oldest first. */
  list(): readonly KeyDescription[];
  /** Brings the successor of an algorithm's key forward, making one if need be; resolves to the successor. */
  rotate(algorithm: RingAlgorithm, actor: string, options?: SuccessionOptions): Promise<KeyDescription>;
  /** Adds a key as the successor of the one of its algorithm, in place of an announced one. */
  import(key: PrivateSigningKey, actor: string, options?: SuccessionOptions): Promise<KeyDescription>;
  /**
   * Withdraws a key in an emergency, whatever its state: this node stops signing with it and publishing it at once,
   * the others within `reloadEveryMs`, and caches within the JWK set's max-age. A signing key is replaced at once.
   */
  revoke(kid: string, actor: string): Promise<void>;
  /** Removes a retired key before its time. Tokens it signed no longer verify. */
  erase(kid: string, actor: string): Promise<void>;
  /** Signs the certificate of a key with the key itself. Rejects with `not_found` when the ring does not hold it. */
  certify(kid: string, certificate: Uint8Array): Promise<Uint8Array>;
  /** Reads the ring from the store now. */
  reload(): Promise<void>;
  /** Whether this node's view of the ring is fresh and every algorithm in use has a signing key. */
  readiness(): Readiness;
  /** Stops the timer and finishes what was begun. */
  close(): Promise<void>;
}

/**
 * Opens the key ring of a store, or makes it with a first key for ES256 and each algorithm that is configured or demanded. Any number of nodes work on one ring: each change
 * is a conditional write, one node wins, the others read what it wrote. A crash at any point leaves a ring that works.
 *
 * @throws {Error} when the ring cannot be unsealed with this key-encryption key.
 * @example
 * ```ts
 * const ring = await createKeyRing({ store, clock, random, config, keyEncryptionKey, audit });
 * const signer = await ring.signer("ES256");
 * const token = `${input}.${await signer.sign(input)}`;
 * ```
 */
export async function createKeyRing(options: KeyRingOptions): Promise<ManagedKeyRing> {
  const { clock, config, reloadEveryMs = DEFAULT_RELOAD_MS } = options;
  const place = options.signing === "inline" ? inlineSigning : new SigningThread();
  const policy = policyOf(config, 3 * reloadEveryMs);
  const stored = await openStoredRing({ ...options, place, policy });
  const ring = new NodeKeyRing(stored, { ...options, place });
  await ring.demand(["ES256", config.tokens.algorithm, ...config.keys.algorithms, ...(options.demanded ?? [])]);
  ring.keepTime((signal) => clock.sleep(reloadEveryMs, signal));
  return ring;
}

type NodeKeyRingOptions = Pick<KeyRingOptions, "clock" | "random" | "keyEncryptionKey" | "config"> & {
  readonly place: SigningPlace;
};

class NodeKeyRing implements ManagedKeyRing {
  readonly #options: NodeKeyRingOptions;
  readonly #stored: StoredRing;
  readonly #signers: Signers;
  readonly #stop = new AbortController();
  #publication: Publication | undefined;
  #timer: Promise<void> = Promise.resolve();

  constructor(stored: StoredRing, options: NodeKeyRingOptions) {
    this.#options = options;
    this.#stored = stored;
    const demand = (algorithm: RingAlgorithm) => this.demand([algorithm]);
    this.#signers = new Signers({ view: stored, clock: options.clock, demand });
  }

  signer(algorithm: RingAlgorithm): Promise<Signer> {
    return this.#signers.get(algorithm);
  }

  announce(algorithm: RingAlgorithm): Promise<void> {
    return this.#stored.ring.schedules.has(algorithm) ? Promise.resolve() : this.demand([algorithm]);
  }

  signsFrom(algorithm: RingAlgorithm): number | undefined {
    return signsFrom(this.#stored.ring, this.#options.clock.now(), algorithm);
  }

  published(set: KeySetName): PublishedKeys {
    const { ring } = this.#stored;
    const now = this.#options.clock.now();
    if (this.#publication?.ring !== ring || now >= this.#publication.validUntil) this.#publication = publish(ring, now);
    return this.#publication.sets[set];
  }

  derive(purpose: "refresh" | "refresh mark", input: string): string {
    return derive(this.#stored.ring, purpose, input);
  }

  list(): readonly KeyDescription[] {
    return ringAlgorithms
      .flatMap((algorithm) => this.#stored.ring.schedules.get(algorithm) ?? [])
      .map((row) => describeKey(row, this.#stored, this.#options.clock.now()));
  }

  async rotate(algorithm: RingAlgorithm, actor: string, options: SuccessionOptions = {}): Promise<KeyDescription> {
    let successor: string | undefined;
    await this.#stored.change(actor, async (rows, now) => {
      const plan = rotateNow(rows, algorithm, now, this.#succession(options));
      if (plan.make.length > 0) refuseFlood(rows, { algorithm, now, policy: this.#stored.policy });
      const after = await carryOut(plan, this.#options);
      successor = scheduleOf(after, algorithm).at(-1)?.kid;
      return after;
    });
    return this.#describeKid(successor);
  }

  async import(key: PrivateSigningKey, actor: string, options: SuccessionOptions = {}): Promise<KeyDescription> {
    await this.#stored.change(actor, (rows, now) => {
      refuseKnown(rows, key.kid);
      refuseFlood(rows, { algorithm: key.algorithm, now, policy: this.#stored.policy });
      const plan = admit(rows, key.algorithm, now, this.#succession(options));
      return carryOut(plan, { ...this.#options, given: key });
    });
    return this.#describeKid(key.kid);
  }

  async revoke(kid: string, actor: string): Promise<void> {
    await this.#stored.change(actor, (rows, now) => {
      refuseUnknown(rows, kid);
      return carryOut(withdraw(rows, kid, now, this.#stored.policy), this.#options);
    });
  }

  async erase(kid: string, actor: string): Promise<void> {
    await this.#stored.change(actor, (rows, now) => {
      const row = refuseUnknown(rows, kid);
      refuseInUse(stateOf(row, scheduleOf(rows, row.algorithm), now, this.#stored.policy));
      return rows.filter((other) => other !== row);
    });
  }

  async demand(algorithms: readonly RingAlgorithm[]): Promise<void> {
    await this.#stored.change("authority", (rows, now) =>
      carryOut(timetable(rows, now, this.#stored.policy, algorithms), this.#options),
    );
  }

  async certify(kid: string, certificate: Uint8Array): Promise<Uint8Array> {
    const key = this.#stored.ring.keys.get(kid);
    if (key === undefined) throw new CountersignError("not_found", { hint: "The key ring holds no such key" });
    return key.certify(certificate);
  }

  reload(): Promise<void> {
    return this.#stored.reload();
  }

  readiness(): Readiness {
    return readinessOf(this.#stored, this.#options.clock.now(), this.#options.config.tokens.algorithm);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#timer;
    await this.#stored.finish();
    await this.#options.place.close();
  }

  /** Every node looks at the timetable; the conditional write lets one of them turn it. */
  keepTime(wait: (signal: AbortSignal) => Promise<void>): void {
    this.#timer = this.#lookAgain(wait);
  }

  async #lookAgain(wait: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await wait(signal).catch(() => undefined);
      // A failure shows in readiness, and the next round tries again.
      if (!signal.aborted) await this.#turn().catch(() => undefined);
    }
  }

  async #turn(): Promise<void> {
    await this.reload();
    const rows = this.#stored.ring.record.keys;
    const plan = timetable(rows, this.#options.clock.now(), this.#stored.policy);
    if (plan.make.length > 0 || !isUnchanged(rows, plan.keep)) await this.demand([]);
  }

  #succession({ now }: SuccessionOptions) {
    return { ...this.#stored.policy, immediately: now ?? false };
  }

  #describeKid(kid: string | undefined): KeyDescription {
    const row = kid === undefined ? undefined : this.#stored.ring.rows.get(kid);
    if (row === undefined) throw new CountersignError("conflict", { detail: "The key was withdrawn meanwhile" });
    return describeKey(row, this.#stored, this.#options.clock.now());
  }
}
