import { sha256 } from "@countersign/protocol";
import { algorithmNames } from "./algorithms.ts";
import type { OpenRing } from "./open-ring.ts";
import type { PublicJwk } from "./public-jwk.ts";
import { setOf } from "./ring-record.ts";
import { activeKey } from "./rotation.ts";
import type { PublishedKeys } from "./signer.ts";

/** The public sets of a ring, and until when their order holds. */
export interface Publication {
  readonly sets: Readonly<Record<"jwks" | "pqc", PublishedKeys>>;
  readonly validUntil: number;
}

/**
 * What a ring publishes at `now`: all of its keys. Algorithm by algorithm the signing key stands first, for verifiers
 * that take the first key of a set or try one after the other.
 */
export function publish(ring: OpenRing, now: number): Publication {
  const rows = algorithmNames.flatMap((algorithm) => {
    const line = ring.lines.get(algorithm) ?? [];
    const active = activeKey(line, now);
    const others = line.filter((row) => row !== active).reverse();
    return active === undefined ? others : [active, ...others];
  });
  const set = (name: "jwks" | "pqc") =>
    serialise(rows.filter((row) => setOf(row) === name).map((row) => ring.keys.get(row.kid)?.jwk));
  return {
    sets: { jwks: set("jwks"), pqc: set("pqc") },
    validUntil: Math.min(...rows.map((row) => row.activeAt).filter((activeAt) => activeAt > now)),
  };
}

function serialise(jwks: readonly (PublicJwk | undefined)[]): PublishedKeys {
  const keys = Object.freeze(jwks.filter((jwk) => jwk !== undefined).map((jwk) => Object.freeze({ ...jwk })));
  const body = JSON.stringify({ keys });
  return Object.freeze({ body, etag: `"${sha256(body)}"`, keys });
}
