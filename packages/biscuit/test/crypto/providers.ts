import { nobleProvider } from "@countersign/biscuit/noble";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { nodeProvider } from "../../src/crypto/node.ts";
import type { CryptoProvider, KeyAlgorithm } from "../../src/crypto/provider.ts";
import { webCryptoProvider } from "../../src/crypto/webcrypto.ts";

export const ALGORITHMS: readonly KeyAlgorithm[] = ["ed25519", "secp256r1"];

/** Every provider there is, by name. */
const PROVIDERS: Readonly<Record<string, CryptoProvider>> = {
  node: nodeProvider(),
  webcrypto: webCryptoProvider(),
  noble: nobleProvider({ ed25519, p256, sha512 }),
};

export const NAMES = Object.keys(PROVIDERS);

export function provider(name: string): CryptoProvider {
  const found = PROVIDERS[name];
  if (found === undefined) throw new Error(`No such provider: ${name}`);
  return found;
}

/** 32 bytes that differ for each seed, fit for a private key of either algorithm. */
export function seedBytes(seed: number): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => (seed * 37 + i * 11 + 1) & 0x7f);
}

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

export function hex(value: Uint8Array): string {
  return Buffer.from(value).toString("hex");
}

export const MESSAGE = new TextEncoder().encode("a block of a token");
