import { type Algorithm, algorithmNamed, algorithms, type JwsAlgorithm } from "./algorithms.ts";
import { sha256 } from "./encoding.ts";
import { importKey, type KeyRefusal, type Members, ownMembers, type VerificationKey } from "./jwk.ts";
import { type KeyHint, type KeySource, MAX_CANDIDATES } from "./jwks.ts";
import { TokenRefused } from "./refusal.ts";

/** A set that was checked when it was registered, as it is kept. */
export interface RegisteredJwks {
  /** The keys, as they were registered. */
  readonly keys: readonly object[];
}

type Imported = VerificationKey | KeyRefusal;

/** By content, as a store may give the same set as another object each time. Nothing but registered keys gets in. */
const imported = new Map<string, Imported>();
const MAX_IMPORTED = 1024;

/**
 * The keys of a registered set, each imported only when a header asks for it: whoever presents a token that nobody
 * verified yet must not make a server import them all. At most four are tried, and the last 1,024 that were are kept.
 *
 * It takes what RFC 7517 lets a set be: an RSA key without `alg` verifies whichever RSA algorithm the header names
 * (section 4.4), a key without `kid` is tried for every one (section 4.5), and members of no use are passed over
 * (section 5).
 *
 * @example
 * ```ts
 * import { registeredKeys } from "@countersign/protocol";
 * const keys = registeredKeys({ keys: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] });
 * keys.find({ alg: "EdDSA", kid: "any" });
 * ```
 */
export function registeredKeys({ keys }: RegisteredJwks): KeySource {
  return {
    find(hint) {
      const algorithm = algorithmNamed(hint.alg);
      if (algorithm === undefined) throw new TokenRefused("algorithm_not_allowed");
      const candidates = candidatesOf(keys, hint, algorithm);
      if (candidates.length > MAX_CANDIDATES) throw new TokenRefused("ambiguous_key");
      const usable = candidates.map((jwk) => importOnce(jwk, algorithm)).filter((key) => typeof key !== "string");
      if (usable.length === 0) throw new TokenRefused("unknown_key");
      return usable;
    },
  };
}

/** Keys of the header's `kid` go before those without one. */
function candidatesOf(keys: readonly object[], { kid }: KeyHint, algorithm: JwsAlgorithm): readonly object[] {
  const fitting = keys.filter((jwk) => mayVerify(ownMembers(jwk) ?? {}, algorithm));
  if (kid === undefined) return fitting;
  const named = fitting.filter((jwk) => ownMembers(jwk)?.kid === kid);
  return named.length > 0 ? named : fitting.filter((jwk) => ownMembers(jwk)?.kid === undefined);
}

function mayVerify({ kty, crv, alg }: Members, name: JwsAlgorithm): boolean {
  const row: Algorithm = algorithms[name];
  if (kty !== row.kty || (row.crv !== undefined && crv !== row.crv)) return false;
  return alg === undefined || (typeof alg === "string" && algorithmNamed(alg) === name);
}

function importOnce(jwk: object, algorithm: JwsAlgorithm): Imported {
  const name = `${algorithm} ${sha256(JSON.stringify(jwk))}`;
  const result = imported.get(name) ?? importKey(jwk, { rsaAlgorithm: algorithm, algorithms: [algorithm] });
  imported.delete(name);
  imported.set(name, result);
  const [oldest] = imported.size > MAX_IMPORTED ? imported.keys() : [];
  if (oldest !== undefined) imported.delete(oldest);
  return result;
}
