import type { JWK } from "jose";
import type { JwtRules, KeyRefusal, RefusalReason } from "../../src/index.ts";

/** A token shown to a verifier: what must come of it, and what `jose` alone does where that differs. */
export interface TokenCase {
  readonly name: string;
  readonly token: string;
  readonly jwks: readonly object[];
  readonly rules?: Partial<JwtRules>;
  readonly expect: "accepted" | RefusalReason;
  /** Only where `jose` alone disagrees with us. */
  readonly jose?: "accepts" | "refuses";
}

/** A JWK given to `importKeys`: the reason it must be left out for. */
export interface KeyCase {
  readonly name: string;
  readonly jwk: JWK | object;
  readonly refused: KeyRefusal;
}

/** One row of the catalogue of attacks. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly tokens?: readonly TokenCase[];
  readonly keys?: readonly KeyCase[];
}
