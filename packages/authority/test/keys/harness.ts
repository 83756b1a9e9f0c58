import { type Clock, CountersignError } from "@countersign/protocol";
import { FakeClock, seededRandom } from "@countersign/protocol/testing";
import type { EventFields, EventName } from "../../src/audit/events.ts";
import { parseConfig } from "../../src/config.ts";
import { createKeyEncryptionKey } from "../../src/keys/key-encryption-key.ts";
import { createKeyRing, type KeyRingOptions, type ManagedKeyRing } from "../../src/keys/ring.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";

/** One event of the trail, in a line: name, algorithm and actor. */
export type TrailLine = { readonly name: EventName; readonly fields: EventFields[EventName] };

/** A ring on a store, with what its tests look at. */
export interface TestRing {
  readonly ring: ManagedKeyRing;
  readonly trail: TrailLine[];
}

const testKeyEncryptionKey = createKeyEncryptionKey(seededRandom("kek").bytes(32));

/** Opens a ring with a day of publication before a month of use, unless told otherwise. */
export async function openTestRing(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  options: Partial<KeyRingOptions> & { readonly seed?: string } = {},
): Promise<TestRing> {
  const trail: TrailLine[] = [];
  const ring = await createKeyRing({
    signing: "inline",
    store,
    clock,
    random: seededRandom(options.seed ?? "ring"),
    config: parseConfig({ issuer: "https://id.example.com", keys: { algorithms: ["ES256"] } }),
    keyEncryptionKey: testKeyEncryptionKey,
    audit: trailOn(store, trail),
    ...options,
  });
  return { ring, trail };
}

/** Commits on the store, and keeps the events of what was committed in a list. */
export function trailOn(store: Store, trail: TrailLine[]): KeyRingOptions["audit"] {
  return {
    async commit(changes, events) {
      const result = await store.commit(changes);
      if (result.failed === undefined) trail.push(...events);
      return result;
    },
  };
}

/** The keys that a trail names. */
export function happened(trail: readonly TrailLine[]): readonly string[] {
  return trail.flatMap(({ fields }) => ("kid" in fields ? [String(fields.kid)] : []));
}

export const hour = 3_600_000;
export const day = 24 * hour;

/** A clock, and an empty store under it. */
export function aPlace() {
  const clock = new FakeClock();
  return { clock, store: createMemoryStore({ clock }) };
}

/** Whether something thrown is the refusal of a code. */
export const is = (code: string) => (error: unknown) => error instanceof CountersignError && error.code === code;

/** A store whose methods can be replaced one by one. */
export function bind(store: Store): Store {
  return {
    get: (key) => store.get(key),
    commit: (changes, options) => store.commit(changes, options),
    swap: (key, version, draft) => store.swap(key, version, draft),
    take: (key, version) => store.take(key, version),
    list: (owner, page) => store.list(owner, page),
    close: () => store.close(),
  };
}
