import type { Clock } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
import { type Authority, createAuthority } from "../../src/authority.ts";
import { createKeyEncryptionKey } from "../../src/keys/key-encryption-key.ts";
import type { TestAuthority } from "../../src/testing.ts";
import { aroundStore } from "../users/around-store.ts";

/** A node beside a test authority, on its store and with its key; its clock may be another. */
export function anotherNode(
  { services, clock: sameClock }: TestAuthority,
  seed: number,
  clock: Clock = sameClock,
): Promise<Authority> {
  return createAuthority({
    config: services.config,
    store: aroundStore(services.store, (_, run) => run()),
    keyEncryptionKey: createKeyEncryptionKey(seededRandom(1).bytes(32)),
    clock,
    random: seededRandom(seed),
    signing: "inline",
  });
}
