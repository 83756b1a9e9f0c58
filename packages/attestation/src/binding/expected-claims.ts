import { ensure } from "../errors.ts";
import type { CompiledPolicy } from "../policy/policy.ts";
import type { KeyClaims } from "./claims.ts";

/** What a verifier expects of the claims about a key. */
export interface ExpectedClaims {
  /** The issuer, compared character for character. */
  readonly issuer: string;
  /** The nonce that the evidence must be for. @default none is asked for, and evidence of any age the policy allows is taken */
  readonly nonce?: string | undefined;
  /** SHA-256 of the issuer's policy, base64url. @default any */
  readonly policyHash?: string | undefined;
}

/** How far a clock may be ahead of ours. */
const SKEW_MS = 60_000;

/** Refuses claims that are about another key, issuer or time. */
export function checkClaims(
  claims: KeyClaims,
  key: { readonly jkt: string; readonly alg: unknown },
  at: number,
  { maxAgeMs }: CompiledPolicy,
  expected: ExpectedClaims,
): void {
  const what = "Cannot trust the claims:";
  ensure(claims.jkt === key.jkt, "claims", `${what} they are about key ${claims.jkt}, and this is ${key.jkt}`);
  ensure(claims.alg === key.alg, "claims", `${what} the key signs with ${claims.alg}, and the set says ${key.alg}`);
  ensure(claims.iss === expected.issuer, "claims", `${what} they are of issuer ${claims.iss}, not ${expected.issuer}`);
  ensure(
    at < claims.exp * 1000,
    "claims",
    `${what} the key was valid until ${new Date(claims.exp * 1000).toISOString()}`,
  );
  const age = at - claims.iat * 1000;
  ensure(-SKEW_MS <= age && age <= maxAgeMs, "evidence_age", `${what} the evidence is ${Math.round(age / 1000)} s old`);
  const { policyHash, nonce } = expected;
  ensure(
    policyHash === undefined || claims.policy === policyHash,
    "claims",
    `${what} they are of policy ${claims.policy}`,
  );
  ensure(nonce === undefined || claims.nonce === nonce, "nonce", `${what} the evidence is not for the nonce`);
}
