import { type Clock, CountersignError, type Random } from "@countersign/protocol";
import type { AuditTrail } from "../audit/trail.ts";
import type { Config } from "../config.ts";
import { keys } from "../store/keys.ts";
import type { SigningAlgorithm } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import { algorithmNames } from "./algorithms.ts";
import type { KeyEncryptionKey } from "./key-encryption-key.ts";
import {
  derive,
  type OpenOptions,
  type OpenRing,
  openRing,
  type Publication,
  type PublishedKeys,
  publish,
  readRing,
} from "./open-ring.ts";
import {
  carryOut,
  emptyRing,
  eventsOf,
  isUnchanged,
  refuseFlood,
  refuseInUse,
  refuseKnown,
  refuseUnknown,
  withinOneCommit,
} from "./ring-edit.ts";
import type { KeyRow } from "./ring-record.ts";
import {
  describeKey,
  type KeyDescription,
  type Readiness,
  type RingView,
  readinessOf,
  refusalToSign,
  refusalUntil,
  signsFrom,
  stalenessOf,
} from "./ring-view.ts";
import {
  activeKey,
  admit,
  defaultReloadMs,
  policyOf,
  type RotationPolicy,
  rotateNow,
  scheduleOf,
  stateOf,
  timetable,
  withdraw,
} from "./rotation.ts";
import { inlineSigning, type Signer } from "./sign.ts";
import type { PrivateSigningKey } from "./signing-key.ts";
import { SigningThread } from "./signing-thread.ts";

/** What the rest of the authority needs of the key ring. */
export interface KeyRing {
  /**
   * The active signer of an algorithm. Where there is no key yet, one is published, and as long as it does not sign the
   * answer is `temporarily_unavailable` with the time to wait.
   */
  signer(algorithm: SigningAlgorithm): Promise<Signer>;
  /** Publishes a key for an algorithm that has none, so that verifiers know it before it signs. */
  announce(algorithm: SigningAlgorithm): Promise<void>;
  /** When the first key of an algorithm begins to sign; `undefined` when it did, or there is none. Milliseconds. */
  signsFrom(algorithm: SigningAlgorithm): number | undefined;
  /** What verifiers read: `jwks` holds what every JOSE library can parse, `pqc` the ML-DSA keys. */
  published(set: "jwks" | "pqc"): PublishedKeys;
  /** HMAC-SHA-256 under the ring's own sealed secret, base64url: the successor of a refresh token, and a token's mark. */
  derive(purpose: "refresh" | "refresh mark", input: string): string;
}

/** What a key ring is made with. */
export interface KeyRingOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly config: Pick<Config, "keys" | "tokens">;
  readonly keyEncryptionKey: KeyEncryptionKey;
  readonly audit: Pick<AuditTrail, "commit">;
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
  rotate(algorithm: SigningAlgorithm, actor: string, options?: SuccessionOptions): Promise<KeyDescription>;
  /** Adds a key as the successor of the one of its algorithm, in place of an announced one. */
  import(key: PrivateSigningKey, actor: string, options?: SuccessionOptions): Promise<KeyDescription>;
  /**
   * Withdraws a key in an emergency, whatever its state: this node stops signing with it and publishing it at once,
   * the others within `reloadEveryMs`, and caches within the JWK set's max-age. A signing key is replaced at once.
   */
  revoke(kid: string, actor: string): Promise<void>;
  /** Removes a retired key before its time. Tokens it signed no longer verify. */
  erase(kid: string, actor: string): Promise<void>;
  /** Reads the ring from the store now. */
  reload(): Promise<void>;
  /** Whether this node's view of the ring is fresh and every algorithm in use has a signing key. */
  readiness(): Readiness;
  /** Stops the timer and finishes what was begun. */
  close(): Promise<void>;
}

/**
 * Opens the key ring of a store, or makes it with a first key for ES256 and each configured algorithm. Any number of nodes work on one ring: each change
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
  const { store, random, config, keyEncryptionKey } = options;
  const place = options.signing === "inline" ? inlineSigning : new SigningThread();
  const openOptions = { keyEncryptionKey, place };
  if ((await store.get(keys.ring())) === undefined) {
    await store.swap(keys.ring(), 0, { value: await emptyRing({ keyEncryptionKey, random }) });
  }
  const loadedAt = options.clock.now();
  const ring = new StoredKeyRing(options, openOptions, { ring: await readRing(store, openOptions), loadedAt });
  await ring.demand(["ES256", config.tokens.algorithm, ...config.keys.algorithms]);
  ring.start();
  return ring;
}

const maxAttempts = 16;

/** From the keys as they are to the keys as a command wants them. */
type Edit = (rows: readonly KeyRow[], now: number) => Promise<readonly KeyRow[]> | readonly KeyRow[];

class StoredKeyRing implements ManagedKeyRing {
  readonly #options: KeyRingOptions;
  readonly #openOptions: OpenOptions;
  readonly #reloadEveryMs: number;
  readonly #policy: RotationPolicy;
  readonly #stop = new AbortController();
  readonly #signers = new Map<string, Signer>();
  readonly #awaited = new Map<SigningAlgorithm, Promise<Signer>>();
  #ring: OpenRing;
  #loadedAt: number;
  #publication: Publication;
  #failure = "";
  #queue: Promise<unknown> = Promise.resolve();
  #timer: Promise<void> = Promise.resolve();

  constructor(options: KeyRingOptions, openOptions: OpenOptions, first: { ring: OpenRing; loadedAt: number }) {
    this.#options = options;
    this.#openOptions = openOptions;
    this.#reloadEveryMs = options.reloadEveryMs ?? defaultReloadMs;
    this.#policy = policyOf(options.config, 3 * this.#reloadEveryMs);
    this.#ring = first.ring;
    this.#loadedAt = first.loadedAt;
    this.#publication = publish(this.#ring, this.#loadedAt);
  }

  signer(algorithm: SigningAlgorithm): Promise<Signer> {
    const now = this.#options.clock.now();
    const signer = this.#signerAt(algorithm, now);
    if (signer !== undefined) return Promise.resolve(signer);
    const signsFrom = stalenessOf(this.#view(), now) === undefined ? this.signsFrom(algorithm) : undefined;
    if (signsFrom !== undefined) return Promise.reject(refusalUntil(signsFrom, { algorithm, now }));
    const awaited = this.#awaited.get(algorithm) ?? this.#obtainSigner(algorithm);
    this.#awaited.set(algorithm, awaited);
    return awaited;
  }

  announce(algorithm: SigningAlgorithm): Promise<void> {
    return this.#ring.schedules.has(algorithm) ? Promise.resolve() : this.demand([algorithm]);
  }

  signsFrom(algorithm: SigningAlgorithm): number | undefined {
    return signsFrom(this.#ring, this.#options.clock.now(), algorithm);
  }

  published(set: "jwks" | "pqc"): PublishedKeys {
    const now = this.#options.clock.now();
    if (now >= this.#publication.validUntil) this.#publication = publish(this.#ring, now);
    return this.#publication.sets[set];
  }

  derive(purpose: "refresh" | "refresh mark", input: string): string {
    return derive(this.#ring, purpose, input);
  }

  list(): readonly KeyDescription[] {
    return algorithmNames
      .flatMap((algorithm) => this.#ring.schedules.get(algorithm) ?? [])
      .map((row) => describeKey(row, this.#view(), this.#options.clock.now()));
  }

  async rotate(algorithm: SigningAlgorithm, actor: string, options: SuccessionOptions = {}): Promise<KeyDescription> {
    let successor: string | undefined;
    await this.#change(actor, async (rows, now) => {
      const plan = rotateNow(rows, algorithm, now, this.#succession(options));
      if (plan.make.length > 0) refuseFlood(rows, { algorithm, now, policy: this.#policy });
      const after = await carryOut(plan, this.#options);
      successor = scheduleOf(after, algorithm).at(-1)?.kid;
      return after;
    });
    return this.#describeKid(successor);
  }

  async import(key: PrivateSigningKey, actor: string, options: SuccessionOptions = {}): Promise<KeyDescription> {
    await this.#change(actor, (rows, now) => {
      refuseKnown(rows, key.kid);
      refuseFlood(rows, { algorithm: key.algorithm, now, policy: this.#policy });
      const plan = admit(rows, key.algorithm, now, this.#succession(options));
      return carryOut(plan, { ...this.#options, given: key });
    });
    return this.#describeKid(key.kid);
  }

  async revoke(kid: string, actor: string): Promise<void> {
    await this.#change(actor, (rows, now) => {
      refuseUnknown(rows, kid);
      return carryOut(withdraw(rows, kid, now, this.#policy), this.#options);
    });
  }

  async erase(kid: string, actor: string): Promise<void> {
    await this.#change(actor, (rows, now) => {
      const row = refuseUnknown(rows, kid);
      refuseInUse(stateOf(row, scheduleOf(rows, row.algorithm), now, this.#policy));
      return rows.filter((other) => other !== row);
    });
  }

  async demand(algorithms: readonly SigningAlgorithm[]): Promise<void> {
    await this.#change("authority", (rows, now) =>
      carryOut(timetable(rows, now, this.#policy, algorithms), this.#options),
    );
  }

  async reload(): Promise<void> {
    await this.#inTurn(() => this.#load());
  }

  readiness(): Readiness {
    return readinessOf(this.#view(), this.#options.clock.now(), this.#options.config.tokens.algorithm);
  }

  start(): void {
    this.#timer = this.#keepTime();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#timer;
    await this.#queue;
    await this.#openOptions.place.close();
  }

  /** Every node looks at the timetable; the conditional write lets one of them turn it. */
  async #keepTime(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#options.clock.sleep(this.#reloadEveryMs, signal).catch(() => undefined);
      // A failure shows in readiness, and the next round tries again.
      if (!signal.aborted) await this.#turn().catch(() => undefined);
    }
  }

  async #turn(): Promise<void> {
    await this.reload();
    const rows = this.#ring.record.keys;
    const plan = timetable(rows, this.#options.clock.now(), this.#policy);
    if (plan.make.length > 0 || !isUnchanged(rows, plan.keep)) await this.demand([]);
  }

  #signerAt(algorithm: SigningAlgorithm, now: number): Signer | undefined {
    const row = activeKey(this.#ring.schedules.get(algorithm) ?? [], now);
    if (row === undefined || stalenessOf(this.#view(), now) !== undefined) return undefined;
    const known = this.#signers.get(row.kid);
    return known?.algorithm === row.algorithm ? known : this.#makeSigner(row);
  }

  #makeSigner({ kid, algorithm }: KeyRow): Signer {
    const signer: Signer = { kid, algorithm, sign: (input) => this.#sign({ kid, algorithm }, input) };
    this.#signers.set(kid, signer);
    return signer;
  }

  async #obtainSigner(algorithm: SigningAlgorithm): Promise<Signer> {
    try {
      await this.demand([algorithm]);
    } finally {
      this.#awaited.delete(algorithm);
    }
    const now = this.#options.clock.now();
    const signer = this.#signerAt(algorithm, now);
    if (signer !== undefined) return signer;
    const signsFrom = this.signsFrom(algorithm);
    if (signsFrom !== undefined) throw refusalUntil(signsFrom, { algorithm, now });
    throw new CountersignError("temporarily_unavailable", { detail: `No key for ${algorithm} is inside its window` });
  }

  async #sign({ kid, algorithm }: Pick<KeyRow, "kid" | "algorithm">, input: string): Promise<string> {
    const refusal = refusalToSign(this.#view(), this.#options.clock.now(), { kid, algorithm });
    const key = this.#ring.keys.get(kid);
    if (key === undefined || refusal !== undefined) {
      throw new CountersignError("temporarily_unavailable", { detail: `Key ${kid} cannot sign: ${refusal}` });
    }
    return key.sign(input);
  }

  async #load(): Promise<void> {
    const loadedAt = this.#options.clock.now();
    try {
      this.#adopt(await readRing(this.#options.store, { ...this.#openOptions, before: this.#ring }), loadedAt);
    } catch (error) {
      this.#failure = error instanceof Error ? `: ${error.message}` : "";
      throw error;
    }
  }

  #adopt(ring: OpenRing, loadedAt: number): void {
    this.#loadedAt = loadedAt;
    if (ring === this.#ring) return;
    for (const [kid, key] of this.#ring.keys) {
      if (ring.keys.get(kid) !== key) this.#openOptions.place.forget(key.sign);
    }
    this.#ring = ring;
    this.#publication = publish(ring, loadedAt);
    for (const kid of this.#signers.keys()) if (!ring.rows.has(kid)) this.#signers.delete(kid);
  }

  #change(actor: string, edit: Edit): Promise<void> {
    return this.#inTurn(async () => {
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        await this.#load();
        if (await this.#tryChange(actor, edit)) return;
      }
      throw new CountersignError("conflict", { detail: "The key ring kept changing" });
    });
  }

  /** Resolves to false when another node was faster, or only a part was done. */
  async #tryChange(actor: string, edit: Edit): Promise<boolean> {
    const { audit, clock } = this.#options;
    const { record, version } = this.#ring;
    const now = clock.now();
    const edited = await edit(record.keys, now);
    const after = await carryOut(timetable(edited, now, this.#policy), this.#options);
    if (isUnchanged(record.keys, after)) return true;
    const step = withinOneCommit({ before: record.keys, after });
    const value = { ...record, keys: step.after };
    const change = { key: keys.ring(), expectedVersion: version, draft: { value } };
    const written = (await audit.commit([change], eventsOf(step, actor))).version;
    if (written === undefined) return false;
    this.#adopt(await openRing(written, value, { ...this.#openOptions, before: this.#ring }), now);
    return step.after === after;
  }

  /** One after the other, so that an older answer of the store never replaces a newer one. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #succession({ now }: SuccessionOptions) {
    return { ...this.#policy, immediately: now ?? false };
  }

  #view(): RingView {
    return { ring: this.#ring, loadedAt: this.#loadedAt, failure: this.#failure, policy: this.#policy };
  }

  #describeKid(kid: string | undefined): KeyDescription {
    const row = kid === undefined ? undefined : this.#ring.rows.get(kid);
    if (row === undefined) throw new CountersignError("conflict", { detail: "The key was withdrawn meanwhile" });
    return describeKey(row, this.#view(), this.#options.clock.now());
  }
}
