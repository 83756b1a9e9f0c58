import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { JsonObject } from "../../src/encoding/json.ts";
import {
  type AttestationPolicy,
  type AttestedKeyOptions,
  appraiseAttestedJwk,
  type Collateral,
  compilePolicy,
  formatClaims,
  type KeyClaims,
  MEDIA_TYPE,
  messageRecord,
  type PublicJwk,
  reportDataFor,
  thumbprintOf,
  writeKeyCertificate,
} from "../../src/index.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../../src/simulated/index.ts";
import { AT, DAY_MS, SGX_POLICY } from "./forge.ts";

const ISSUER = "https://id.example.com";

/** A key of an issuer, its certificate and its evidence, as the set of the issuer has it. */
export interface Attested {
  readonly jwk: JsonObject;
  readonly claims: KeyClaims;
  readonly quote: Uint8Array;
  readonly privateKey: KeyObject;
}

export interface World {
  readonly platform: SimulatedPlatform;
  readonly collateral: Collateral;
}

export async function createWorld(): Promise<World> {
  const platform = await createSimulatedPlatform({ at: AT });
  return { platform, collateral: await platform.collateral("sgx") };
}

const KEYS = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 3072 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
} as const;

const signatureOf = (alg: keyof typeof KEYS, key: KeyObject, data: Uint8Array): Uint8Array =>
  sign(alg === "EdDSA" ? null : "sha256", data, { key, dsaEncoding: "ieee-p1363" });

/** Makes an attested key. */
export async function attest(
  { platform }: World,
  alg: keyof typeof KEYS = "ES256",
  changes: Partial<KeyClaims> = {},
): Promise<Attested> {
  const { publicKey, privateKey } = KEYS[alg]();
  const key = publicKey.export({ format: "jwk" }) as PublicJwk;
  const jkt = await thumbprintOf(key);
  const times = { iat: AT / 1000 - 60, exp: AT / 1000 + 7 * 86_400 };
  const claims: KeyClaims = { iss: ISSUER, jkt, alg, use: "sig", ...times, ...changes };
  const quote = await platform.sgxQuote(await reportDataFor(key, claims));
  const certificate = await writeKeyCertificate({
    jwk: key,
    name: "id.example.com",
    serial: Uint8Array.of(1, 2, 3),
    notBefore: AT - DAY_MS,
    notAfter: AT + 7 * DAY_MS,
    quote,
    signer: { algorithm: alg, sign: async (data) => signatureOf(alg, privateKey, data) },
  });
  const evidence = messageRecord({ mediaType: MEDIA_TYPE.quote, bytes: quote }, "evidence");
  const att = { claims: formatClaims(claims), evidence };
  return { jwk: { ...key, use: "sig", alg, kid: jkt, x5c: [certificate], att }, claims, quote, privateKey };
}

/** Judges a key in a world whose root is trusted. */
export const judge = (
  { platform, collateral }: World,
  jwk: JsonObject,
  options: Partial<Omit<AttestedKeyOptions, "policy">> & { readonly policy?: AttestationPolicy } = {},
) => {
  const { policy = SGX_POLICY, ...rest } = options;
  const base = { at: AT, issuer: ISSUER, roots: [platform.root], collateral };
  return appraiseAttestedJwk(jwk, { ...base, ...rest, policy: compilePolicy(policy) });
};
