import { type Clock, CountersignError } from "@countersign/protocol";
import type { AuditTrail, EventDraft } from "../audit/trail.ts";
import { keys } from "../store/keys.ts";
import type { RingAlgorithm } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import { type OpenOptions, type OpenRing, openRing, readRing } from "./open-ring.ts";
import { carryOut, type EditOptions, emptyRing, isUnchanged, type KeyRow } from "./ring-record.ts";
import { timetable } from "./rotation.ts";
import { erasesAt, type KeyState, type RotationPolicy, stateOf } from "./schedule.ts";

/** The ring as one node sees it. */
export interface RingView {
  readonly ring: OpenRing;
  /** When it was last read. */
  readonly loadedAt: number;
  /** Why the last attempt to read it failed; empty when it did not. */
  readonly failure: string;
  readonly policy: RotationPolicy;
}

/** What a node reads and changes the ring with. */
export interface StoredRingOptions extends Omit<OpenOptions, "before">, Omit<EditOptions, "given"> {
  readonly store: Store;
  readonly clock: Clock;
  readonly audit: Pick<AuditTrail, "commit">;
  readonly policy: RotationPolicy;
}

/** From the keys as they are to the keys as a command wants them. */
export type Edit = (rows: readonly KeyRow[], now: number) => Promise<readonly KeyRow[]> | readonly KeyRow[];

/** Reads the ring of a store, or makes one without keys. */
export async function openStoredRing(options: StoredRingOptions): Promise<StoredRing> {
  const { store, clock } = options;
  if ((await store.get(keys.ring())) === undefined) {
    await store.swap(keys.ring(), 0, { value: await emptyRing(options) });
  }
  const loadedAt = clock.now();
  return new StoredRing(options, { ring: await readRing(store, options), loadedAt });
}

const MAX_ATTEMPTS = 16;

/** The ring of a store, as this node read it last. Each change is one commit with its audit records. */
export class StoredRing implements RingView {
  readonly #options: StoredRingOptions;
  #ring: OpenRing;
  #loadedAt: number;
  #failure = "";
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: StoredRingOptions, first: Pick<RingView, "ring" | "loadedAt">) {
    this.#options = options;
    this.#ring = first.ring;
    this.#loadedAt = first.loadedAt;
  }

  get ring(): OpenRing {
    return this.#ring;
  }

  get loadedAt(): number {
    return this.#loadedAt;
  }

  get failure(): string {
    return this.#failure;
  }

  get policy(): RotationPolicy {
    return this.#options.policy;
  }

  /** Reads the ring from the store now. */
  reload(): Promise<void> {
    return this.#inTurn(() => this.#load());
  }

  /** Changes the ring and then what the timetable asks for. The audit trail names `actor`. */
  change(actor: string, edit: Edit): Promise<void> {
    return this.#inTurn(async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        await this.#load();
        if (await this.#tryChange(actor, edit)) return;
      }
      throw new CountersignError("conflict", { detail: "The key ring kept changing" });
    });
  }

  /** Waits for what was begun. */
  async finish(): Promise<void> {
    await this.#queue;
  }

  async #load(): Promise<void> {
    const loadedAt = this.#options.clock.now();
    try {
      this.#adopt(await readRing(this.#options.store, { ...this.#options, before: this.#ring }), loadedAt);
    } catch (error) {
      this.#failure = error instanceof Error ? `: ${error.message}` : "";
      throw error;
    }
  }

  #adopt(ring: OpenRing, loadedAt: number): void {
    this.#loadedAt = loadedAt;
    for (const [kid, key] of this.#ring.keys) {
      if (ring.keys.get(kid) !== key) this.#options.place.forget(key.sign);
    }
    this.#ring = ring;
  }

  /** Resolves to false when another node was faster, or only a part was done. */
  async #tryChange(actor: string, edit: Edit): Promise<boolean> {
    const { audit, clock, policy } = this.#options;
    const { record, version } = this.#ring;
    const now = clock.now();
    const edited = await edit(record.keys, now);
    const after = await carryOut(timetable(edited, now, policy), this.#options);
    if (isUnchanged(record.keys, after)) return true;
    const step = withinOneCommit({ before: record.keys, after });
    const value = { ...record, keys: step.after };
    const change = { key: keys.ring(), expectedVersion: version, draft: { value } };
    const written = (await audit.commit([change], eventsOf(step, actor))).version;
    if (written === undefined) return false;
    this.#adopt(await openRing(written, value, { ...this.#options, before: this.#ring }), now);
    return step.after === after;
  }

  /** One after the other, so that an older answer of the store never replaces a newer one. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/** The rows of a ring before a change and after it. */
interface RingEdit {
  readonly before: readonly KeyRow[];
  readonly after: readonly KeyRow[];
}

/** What the audit trail is told of an edit, in its commit. */
function eventsOf(edit: RingEdit, actor: string): readonly EventDraft[] {
  return ringEventsOf(edit).map(({ name, row: { kid, algorithm } }) => ({ name, fields: { kid, algorithm, actor } }));
}

/** Fewer than a commit takes, with the ring itself. */
const MAX_EVENTS = 20;

/** As much of an edit as is recorded in one commit: where it is too much, some of what is to be erased, and nothing else. */
function withinOneCommit(edit: RingEdit): RingEdit {
  const { before, after } = edit;
  if (ringEventsOf(edit).length <= MAX_EVENTS) return edit;
  const later = new Set(after.map(({ kid }) => kid));
  const gone = new Set(before.filter(({ kid }) => !later.has(kid)).slice(0, MAX_EVENTS));
  return { before, after: before.filter((row) => !gone.has(row)) };
}

interface RingEvent {
  readonly name: "key.rotated" | "key.imported" | "key.erased";
  readonly row: KeyRow;
}

function ringEventsOf({ before, after }: RingEdit): readonly RingEvent[] {
  const earlier = new Map(before.map((row) => [row.kid, row]));
  const later = new Set(after.map((row) => row.kid));
  const begun = after
    .filter(({ kid, activeAt }) => earlier.get(kid)?.activeAt !== activeAt)
    .map((row): RingEvent => {
      const isImport = row.origin === "imported" && !earlier.has(row.kid);
      return { name: isImport ? "key.imported" : "key.rotated", row };
    });
  const gone = before.filter(({ kid }) => !later.has(kid)).map((row): RingEvent => ({ name: "key.erased", row }));
  return [...begun, ...gone];
}

/** One key of the ring, as it may be shown. Instants in milliseconds. */
export interface KeyDescription {
  readonly kid: string;
  readonly algorithm: RingAlgorithm;
  readonly state: KeyState;
  readonly origin: "made" | "imported";
  readonly publishedAt: number;
  readonly activeAt: number;
  readonly retiresAt: number;
  readonly erasesAt: number;
}

/** Shows a key. */
export function describeKey(row: KeyRow, { ring, policy }: RingView, now: number): KeyDescription {
  const { kid, algorithm, origin, publishedAt, activeAt, retiresAt } = row;
  const state = stateOf(row, ring.schedules.get(algorithm) ?? [], now, policy);
  return { kid, algorithm, state, origin, publishedAt, activeAt, retiresAt, erasesAt: erasesAt(row, policy) };
}
