/** What is revoked: an access token by its `jti`, or a block of a capability token by its normalized revocation id. */
export type RevokedKind = "jti" | "block";

/** `RL#{position}`: something that was revoked. It goes when no token that it ends would be valid any more. */
export interface RevocationRecord {
  /** Counts up in one list. */
  readonly position: number;
  readonly kind: RevokedKind;
  readonly id: string;
  readonly revokedAt: number;
  /** From when on no token that it ends is valid anyway. */
  readonly expiresAt: number;
}

/** `RL#head`: the list of what is revoked. */
export interface RevocationHead {
  /** Random: tells the list from one that was there before, as when a backup is restored. */
  readonly list: string;
  /** Of the last entry. */
  readonly position: number;
}
