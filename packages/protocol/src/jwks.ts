import { algorithmNamed } from "./algorithms.ts";
import { importKey, type KeyImportOptions, type KeyRefusal, ownMembers, type VerificationKey } from "./jwk.ts";
import { type RefusalReason, TokenRefused } from "./refusal.ts";

/** What a token's header says of the key that signed it: a hint, never an instruction. */
export interface KeyHint {
  /** The `kid` of the header, where there is one. */
  readonly kid?: string | undefined;
  /** The `alg` of the header. */
  readonly alg: string;
}

/** Where a verification finds its keys: a set that was imported, or a cache that fetches one. */
export interface KeySource {
  /**
   * The keys to try, at least one.
   *
   * @throws {TokenRefused} `unknown_key`, `algorithm_mismatch`, `ambiguous_key` or `keys_unavailable`.
   */
  find(hint: KeyHint): readonly VerificationKey[] | Promise<readonly VerificationKey[]>;
}

/** A member of a JWK set that was left out, by its place in the set. */
export interface RefusedKey {
  /** Its place in the set, from 0. */
  readonly index: number;
  /** Why it was left out. */
  readonly reason: KeyRefusal;
}

/** An imported JWK set. */
export interface KeySet extends KeySource {
  /** The keys that can verify. */
  readonly keys: readonly VerificationKey[];
  /** What was left out and why: ignore it when verifying, show it to whoever registers keys. */
  readonly refused: readonly RefusedKey[];
  /** The keys that may have made a signature with this header. */
  find(hint: KeyHint): readonly VerificationKey[];
}

const MAX_KEYS = 100;
// One token costs at most so many verifications: enough for the keys of a rotation that are published at once.
export const MAX_CANDIDATES = 4;

/**
 * Imports a JWK set (RFC 7517 section 5): each member becomes a key pinned to one algorithm, or is left out with its
 * reason. Two members with the same kid, alg and kty are both left out, as nobody can tell which is meant.
 *
 * @throws {TokenRefused} `malformed_key_set` when it is not an object with an array `keys` of at most 100 members.
 * @example
 * ```ts
 * import { importKeys } from "@countersign/protocol";
 * const { keys, refused } = importKeys({
 *   keys: [{ kty: "OKP", crv: "Ed25519", kid: "a", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }],
 * });
 * ```
 */
export function importKeys(jwks: unknown, options: KeyImportOptions = {}): KeySet {
  const members = ownMembers(jwks)?.keys;
  if (!Array.isArray(members) || members.length > MAX_KEYS) throw new TokenRefused("malformed_key_set");
  const imported = withoutDuplicates(members.map((member: unknown) => importKey(member, options)));
  const keys = imported.filter((result) => typeof result !== "string");
  const refused = imported.flatMap((reason, index) => (typeof reason === "string" ? [{ index, reason }] : []));
  return { keys, refused, find: (hint) => findKeys(keys, hint) };
}

function withoutDuplicates(imported: readonly (VerificationKey | KeyRefusal)[]): (VerificationKey | KeyRefusal)[] {
  const seen = new Map<string, number>();
  const nameOf = (key: VerificationKey) => JSON.stringify([key.kid, key.algorithm]);
  for (const key of imported) {
    if (typeof key !== "string" && key.kid !== undefined) seen.set(nameOf(key), (seen.get(nameOf(key)) ?? 0) + 1);
  }
  return imported.map((key) =>
    typeof key !== "string" && (seen.get(nameOf(key)) ?? 0) > 1 ? "duplicate_key_id" : key,
  );
}

/** The keys that fit a header, or why there are none. */
export function lookUp(keys: readonly VerificationKey[], hint: KeyHint): readonly VerificationKey[] | RefusalReason {
  const algorithm = algorithmNamed(hint.alg);
  const named = hint.kid === undefined ? keys : keys.filter((key) => key.kid === hint.kid);
  const fitting = named.filter((key) => key.algorithm === algorithm);
  if (fitting.length > MAX_CANDIDATES) return "ambiguous_key";
  if (fitting.length > 0) return fitting;
  return hint.kid === undefined || named.length === 0 ? "unknown_key" : "algorithm_mismatch";
}

function findKeys(keys: readonly VerificationKey[], hint: KeyHint): readonly VerificationKey[] {
  const found = lookUp(keys, hint);
  if (typeof found === "string") throw new TokenRefused(found);
  return found;
}
