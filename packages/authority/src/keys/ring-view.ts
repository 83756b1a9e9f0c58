import { CountersignError } from "@countersign/protocol";
import type { SigningAlgorithm } from "../store/records.ts";
import type { OpenRing } from "./open-ring.ts";
import type { KeyRow } from "./ring-record.ts";
import { activeKey, erasesAt, firstAnnounced, type KeyState, type RotationPolicy, stateOf } from "./rotation.ts";

/** The ring as one node sees it. */
export interface RingView {
  readonly ring: OpenRing;
  /** When it was last read. */
  readonly loadedAt: number;
  /** Why the last attempt to read it failed; empty when it did not. */
  readonly failure: string;
  readonly policy: RotationPolicy;
}

/** One key of the ring, as it may be shown. Instants in milliseconds. */
export interface KeyDescription {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly state: KeyState;
  readonly origin: "made" | "imported";
  readonly publishedAt: number;
  readonly activeAt: number;
  readonly retiresAt: number;
  readonly erasesAt: number;
}

/** Whether a node can sign, and why not. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly because: string };

/** Shows a key. */
export function describeKey(row: KeyRow, { ring, policy }: RingView, now: number): KeyDescription {
  const { kid, algorithm, origin, publishedAt, activeAt, retiresAt } = row;
  const state = stateOf(row, ring.schedules.get(algorithm) ?? [], now, policy);
  return { kid, algorithm, state, origin, publishedAt, activeAt, retiresAt, erasesAt: erasesAt(row, policy) };
}

/** When the first key of an algorithm begins to sign; `undefined` when it did, or there is none. */
export function signsFrom({ schedules }: OpenRing, now: number, algorithm: SigningAlgorithm): number | undefined {
  return firstAnnounced(schedules.get(algorithm) ?? [], now)?.activeAt;
}

/** Why the view of the ring is too old to sign by: after a pause, a jump of the clock, a store that does not answer. */
export function stalenessOf({ loadedAt, failure, policy }: RingView, now: number): string | undefined {
  const ageMs = Math.abs(now - loadedAt);
  if (ageMs <= policy.staleMs) return undefined;
  return `the ring was last read ${Math.round(ageMs / 1000)} seconds ago${failure}`;
}

/** Whether the ring can sign. `common` is the algorithm of clients that name none. */
export function readinessOf(view: RingView, now: number, common: SigningAlgorithm): Readiness {
  const because = stalenessOf(view, now) ?? idlenessOf(view, now, common);
  return because === undefined ? { ready: true } : { ready: false, because };
}

/** Why no key signs. A client's algorithm may wait for its first key, but not `common`, the algorithm of everybody. */
function idlenessOf({ ring }: RingView, now: number, common: SigningAlgorithm): string | undefined {
  const from = signsFrom(ring, now, common);
  if (from !== undefined) return waitFor(common, from);
  const idle = [...ring.schedules.values()].find(
    (schedule) => activeKey(schedule, now) === undefined && firstAnnounced(schedule, now) === undefined,
  );
  return idle?.[0] && `no key for ${idle[0].algorithm} is inside its window`;
}

/** Judges again what was true when the signer was handed out, as a caller may have kept it since. */
export function refusalToSign(
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
function waitFor(algorithm: SigningAlgorithm, signsFrom: number): string {
  return `the first key for ${algorithm} signs from ${new Date(signsFrom).toISOString()}, when no cache lacks it`;
}

/** The refusal of a signature before the first key of an algorithm signs. */
export function refusalUntil(
  signsFrom: number,
  { algorithm, now }: { readonly algorithm: SigningAlgorithm; readonly now: number },
): CountersignError {
  return new CountersignError("temporarily_unavailable", {
    hint: "The first key of this client's algorithm is published and does not sign yet; retry after Retry-After",
    detail: waitFor(algorithm, signsFrom),
    retryAfterMs: signsFrom - now,
  });
}
