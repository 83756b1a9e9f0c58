import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { JWK } from "jose";
import { accessTokenClaims, importKeys, type JwtRules, toBase64url } from "../src/index.ts";
import { FakeClock } from "../src/testing.ts";

/** A key pair with the JWK that publishes it. */
export interface TestKey {
  readonly alg: string;
  readonly jwk: JWK & { readonly kid: string; readonly alg: string };
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const generators: Readonly<Record<string, () => { publicKey: KeyObject; privateKey: KeyObject }>> = {
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ES384: () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  ES512: () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  "ML-DSA-65": () => generateKeyPairSync("ml-dsa-65"),
};

export function aKey(alg: string, kid = `${alg}-1`): TestKey {
  const generate = generators[alg];
  if (generate === undefined) throw new TypeError(`Cannot generate a key for: ${alg}`);
  const { publicKey, privateKey } = generate();
  return { alg, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg }, privateKey, publicKey };
}

/** The signature of `input`, as the algorithm in its name prescribes. */
export function signatureOf(alg: string, key: KeyObject, input: string | Uint8Array): Buffer {
  const hash = /^(?:ES|RS|PS)/.test(alg) ? `sha${alg.slice(2)}` : null;
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const options = alg.startsWith("ES") ? { dsaEncoding: "ieee-p1363" as const } : alg.startsWith("PS") ? pss : {};
  return sign(hash, Buffer.from(input), { key, ...options });
}

/** A text or bytes as they are, anything else as JSON. */
export function part(value: unknown): string {
  if (value instanceof Uint8Array) return toBase64url(value);
  return toBase64url(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));
}

/** A compact JWS over exactly these texts or objects. */
export function jws(header: unknown, payload: unknown, key: TestKey, alg = key.alg): string {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${toBase64url(signatureOf(alg, key.privateKey, input))}`;
}

export const clock = new FakeClock();
export const now = Math.floor(clock.now() / 1000);
export const issuer = "https://id.example.com";
export const audience = "https://api.example.com";

export const goodClaims: Readonly<Record<string, unknown>> = {
  ...accessTokenClaims({
    issuer,
    subject: "user-1",
    clientId: "client-1",
    audience: [audience],
    scopes: ["read"],
    issuedAt: clock.now(),
    lifetimeMs: 900_000,
    tokenId: "token-1",
  }),
};

export const goodHeader = (key: TestKey) => ({ typ: "at+jwt", alg: key.alg, kid: key.jwk.kid });

/** A good access token but for what is given; `undefined` takes a member away. */
export function aToken(
  key: TestKey,
  changes: { readonly header?: Record<string, unknown>; readonly claims?: Record<string, unknown> } = {},
): string {
  return jws({ ...goodHeader(key), ...changes.header }, { ...goodClaims, ...changes.claims }, key);
}

export const accessTokenRules: JwtRules<"access_token"> = {
  profile: "access_token",
  issuer,
  audience,
  clock,
  clockSkewMs: 30_000,
};

export const keySetOf = (...keys: readonly TestKey[]) => importKeys({ keys: keys.map((key) => key.jwk) });
