import { type Clock, CountersignError } from "@countersign/protocol";
import type { RingAlgorithm } from "../store/records.ts";
import type { OpenRing } from "./open-ring.ts";
import type { KeyRow } from "./ring-record.ts";
import { activeKey, firstAnnounced } from "./schedule.ts";
import type { RingView } from "./stored-ring.ts";

/** A key that signs JWTs now. */
export interface Signer {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly algorithm: RingAlgorithm;
  /** The encoded JWS signature of `input` (the signing input of RFC 7515 section 5.1), base64url. */
  sign(input: string): Promise<string>;
}

/** What the signers of a ring need. */
export interface SignersOptions {
  readonly view: RingView;
  readonly clock: Clock;
  /** Publishes a key for an algorithm that has none. */
  readonly demand: (algorithm: RingAlgorithm) => Promise<void>;
}

/** The active signer of each algorithm, as the node's view of the ring has it. */
export class Signers {
  readonly #options: SignersOptions;
  readonly #signers = new WeakMap<KeyRow, Signer>();
  readonly #awaited = new Map<RingAlgorithm, Promise<Signer>>();

  constructor(options: SignersOptions) {
    this.#options = options;
  }

  /** Rejects with `temporarily_unavailable` while the first key of the algorithm does not sign yet. */
  get(algorithm: RingAlgorithm): Promise<Signer> {
    const { view, clock } = this.#options;
    const now = clock.now();
    const signer = this.#signerAt(algorithm, now);
    if (signer !== undefined) return Promise.resolve(signer);
    const from = stalenessOf(view, now) === undefined ? signsFrom(view.ring, now, algorithm) : undefined;
    if (from !== undefined) return Promise.reject(refusalUntil(from, { algorithm, now }));
    const awaited = this.#awaited.get(algorithm) ?? this.#obtain(algorithm);
    this.#awaited.set(algorithm, awaited);
    return awaited;
  }

  #signerAt(algorithm: RingAlgorithm, now: number): Signer | undefined {
    const { view } = this.#options;
    const row = activeKey(view.ring.schedules.get(algorithm) ?? [], now);
    if (row === undefined || stalenessOf(view, now) !== undefined) return undefined;
    return this.#signers.get(row) ?? this.#make(row);
  }

  #make(row: KeyRow): Signer {
    const { kid, algorithm } = row;
    const signer: Signer = { kid, algorithm, sign: (input) => this.#sign({ kid, algorithm }, input) };
    this.#signers.set(row, signer);
    return signer;
  }

  async #obtain(algorithm: RingAlgorithm): Promise<Signer> {
    const { view, clock, demand } = this.#options;
    try {
      await demand(algorithm);
    } finally {
      this.#awaited.delete(algorithm);
    }
    const now = clock.now();
    const signer = this.#signerAt(algorithm, now);
    if (signer !== undefined) return signer;
    const from = signsFrom(view.ring, now, algorithm);
    if (from !== undefined) throw refusalUntil(from, { algorithm, now });
    throw new CountersignError("temporarily_unavailable", { detail: `No key for ${algorithm} is inside its window` });
  }

  async #sign({ kid, algorithm }: Pick<KeyRow, "kid" | "algorithm">, input: string): Promise<string> {
    const { view, clock } = this.#options;
    const refusal = refusalToSign(view, clock.now(), { kid, algorithm });
    const key = view.ring.keys.get(kid);
    if (key === undefined || refusal !== undefined) {
      throw new CountersignError("temporarily_unavailable", { detail: `Key ${kid} cannot sign: ${refusal}` });
    }
    return key.sign(input);
  }
}

/** Whether a node can sign, and why not. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly because: string };

/** When the first key of an algorithm begins to sign; `undefined` when it did, or there is none. */
export function signsFrom({ schedules }: OpenRing, now: number, algorithm: RingAlgorithm): number | undefined {
  return firstAnnounced(schedules.get(algorithm) ?? [], now)?.activeAt;
}

/** Why the view of the ring is too old to sign by: after a pause, a jump of the clock, a store that does not answer. */
function stalenessOf({ loadedAt, failure, policy }: RingView, now: number): string | undefined {
  const ageMs = Math.abs(now - loadedAt);
  if (ageMs <= policy.staleMs) return undefined;
  return `the ring was last read ${Math.round(ageMs / 1000)} seconds ago${failure}`;
}

/** Whether the ring can sign. `common` is the algorithm of clients that name none. */
export function readinessOf(view: RingView, now: number, common: RingAlgorithm): Readiness {
  const because = stalenessOf(view, now) ?? idlenessOf(view, now, common);
  return because === undefined ? { ready: true } : { ready: false, because };
}

/** Why no key signs. A client's algorithm may wait for its first key, but not `common`, the algorithm of everybody. */
function idlenessOf({ ring }: RingView, now: number, common: RingAlgorithm): string | undefined {
  const from = signsFrom(ring, now, common);
  if (from !== undefined) return waitFor(common, from);
  const idle = [...ring.schedules.values()].find(
    (schedule) => activeKey(schedule, now) === undefined && firstAnnounced(schedule, now) === undefined,
  );
  return idle?.[0] && `no key for ${idle[0].algorithm} is inside its window`;
}

/** Judges again what was true when the signer was handed out, as a caller may have kept it since. */
function refusalToSign(
  view: RingView,
  now: number,
  { kid, algorithm }: Pick<KeyRow, "kid" | "algorithm">,
): string | undefined {
  const row = view.ring.rows.get(kid);
  if (row === undefined) return "it is no longer in the ring";
  // An RSA key that was withdrawn and came back for the other algorithm: the header of the input names the first one.
  if (row.algorithm !== algorithm) return `it is for ${row.algorithm} now`;
  // What was begun inside the window may be finished; the key stays published for longer than that.
  if (now >= row.retiresAt + view.policy.clockSkewMs) return "it is past its window";
  return stalenessOf(view, now);
}

/** Verifiers keep a set for as long as it says, and refuse what a key signed that is not in it. */
function waitFor(algorithm: RingAlgorithm, signsFrom: number): string {
  return `the first key for ${algorithm} signs from ${new Date(signsFrom).toISOString()}, when no cache lacks it`;
}

/** The refusal of a signature before the first key of an algorithm signs. */
function refusalUntil(
  signsFrom: number,
  { algorithm, now }: { readonly algorithm: RingAlgorithm; readonly now: number },
): CountersignError {
  return new CountersignError("temporarily_unavailable", {
    hint: "The first key of this algorithm is published and does not sign yet; retry after Retry-After",
    detail: waitFor(algorithm, signsFrom),
    retryAfterMs: signsFrom - now,
  });
}
