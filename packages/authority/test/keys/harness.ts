import type { Clock } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
import type { EventFields, EventName } from "../../src/audit/events.ts";
import { parseConfig } from "../../src/config.ts";
import { createKeyEncryptionKey } from "../../src/keys/key-encryption-key.ts";
import { createKeyRing, type KeyRingOptions, type ManagedKeyRing } from "../../src/keys/ring.ts";
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
    config: parseConfig({ issuer: "https://id.example.com" }),
    keyEncryptionKey: testKeyEncryptionKey,
    audit: { record: async (name, fields) => void trail.push({ name, fields }) },
    ...options,
  });
  return { ring, trail };
}

/** The keys of what became of the records of a trail: without those that another node was faster with. */
export function happened(trail: readonly TrailLine[]): readonly string[] {
  const kidsOf = (isWanted: (name: EventName) => boolean) =>
    trail.flatMap(({ name, fields }) => (isWanted(name) && "kid" in fields ? [String(fields.kid)] : []));
  const overtaken = kidsOf((name) => name === "key.overtaken");
  return kidsOf((name) => name !== "key.overtaken").filter((kid) => !overtaken.includes(kid));
}

export const hour = 3_600_000;
export const day = 24 * hour;
