import { PrivateKey, type PublicKey } from "@countersign/biscuit";
import type { Clock } from "../../src/capability/index.ts";
import { FakeClock } from "../../src/testing.ts";

/** The second at which the tests play. */
export const T0 = 1_800_000_000;

/** A clock that stands at this second. */
export const clockAt = (seconds: number): Clock => new FakeClock(seconds * 1000);

const key = (seed: number): PrivateKey => PrivateKey.fromBytes("ed25519", new Uint8Array(32).fill(seed));

/** Keys of these tests only. */
export const keys = {
  root: key(1),
  otherRoot: key(2),
  gateway: key(3),
  orders: key(4),
  ledger: key(5),
  finance: key(6),
  risk: PrivateKey.fromBytes("secp256r1", new Uint8Array(32).fill(7)),
  prefix: key(8),
  activator: key(9),
  stranger: key(10),
} as const;

/** The public key of one of them. */
export const publicKey = (name: keyof typeof keys): PublicKey => keys[name].publicKeySync();

/** What tokens are opened and verified with. */
export const rootKey = publicKey("root");

/** Verification at this second. */
export const at = (seconds = T0) => ({ rootKey, clock: clockAt(seconds) });

export const chain = [
  { component: "gateway", publicKey: publicKey("gateway") },
  { component: "orders", publicKey: publicKey("orders") },
  { component: "ledger", publicKey: publicKey("ledger") },
] as const;

export const parties = [
  { component: "finance.example", publicKey: publicKey("finance") },
  { component: "risk.example", publicKey: publicKey("risk") },
] as const;

export const alice = "urn:x:alice";
export const right = { subject: alice, resource: "invoices", operation: "read" } as const;
