import type { TokenInspection } from "@countersign/protocol/capability";
import { instant, legible } from "../../printer.ts";

/** All that an inspection knows, with the names and units of the wire. */
export function contentOf(inspection: TokenInspection): object {
  const { blocks, expiresAt, rootKeyId, isSealed, revocationIds, normalizedRevocationIds, ...rest } = inspection;
  return {
    ...rest,
    expiry: expiresAt === undefined ? null : expiresAt / 1000,
    root_key_id: rootKeyId ?? null,
    sealed: isSealed,
    blocks: blocks.map(({ index, role, externalKey, expiresAt: ends, revocationId, ...names }) => ({
      index,
      role,
      ...names,
      signed_by: externalKey ?? null,
      expiry: ends === undefined ? null : ends / 1000,
      revocation_id: revocationId,
    })),
    revocation_ids: revocationIds,
    normalized_revocation_ids: normalizedRevocationIds,
  };
}

/** The blocks for people, some lines each. */
export function blockLines({ blocks }: TokenInspection): readonly string[] {
  return blocks.flatMap(({ index, role, externalKey, expiresAt, revocationId }) => [
    `block ${index}: ${role}${expiresAt === undefined ? "" : `, ends ${instant(expiresAt / 1000)}`}`,
    `  signed by ${legible(externalKey ?? (index === 0 ? "the authority" : "its holder"))}`,
    `  revocation id ${revocationId}`,
  ]);
}
