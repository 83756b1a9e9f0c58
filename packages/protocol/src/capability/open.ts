import {
  type Biscuit,
  type CryptoProvider,
  type RootKey,
  type SignatureCache,
  verifyToken,
  verifyTokenSync,
} from "@countersign/biscuit";
import type { Clock } from "../clock.ts";
import { refusing, refusingSync } from "./biscuit-errors.ts";
import { tokenInput } from "./inputs.ts";
import { refusal } from "./refusals.ts";

/** The revocation ids that were revoked, in lower-case hexadecimal: a `Set`, or what a feed is kept in. */
export interface RevokedIds {
  /** Whether this revocation id is revoked. */
  has(revocationId: string): boolean;
}

/** What a token is opened with: the key it must be signed with, and what is known of tokens. */
export interface OpenOptions {
  /** The root key of the authority, or the choice of one by the root key id of the token. */
  readonly rootKey: RootKey;
  /** Signatures known to be valid, so that tokens which begin alike are verified once. @default none */
  readonly cache?: SignatureCache | undefined;
  /**
   * Looked up with each block's revocation id, as it is and in normal form: whoever holds a P-256 signature can write it
   * in another form. @default nothing is revoked
   */
  readonly revoked?: RevokedIds | undefined;
  /** @default the runtime's own cryptography */
  readonly crypto?: CryptoProvider | undefined;
}

/** What a token is verified with. */
export interface VerificationOptions extends OpenOptions {
  /** By which expiry is judged. */
  readonly clock: Pick<Clock, "now">;
}

/** A token as it is shown: bytes, or URL-safe base64, padded or not. */
export type ShownToken = Uint8Array | string;

function notRevoked(token: Biscuit, revoked: RevokedIds | undefined): Biscuit {
  if (revoked === undefined) return token;
  const normalized = token.normalizedRevocationIds;
  for (const [block, revocationId] of token.revocationIds.entries()) {
    if (revoked.has(revocationId) || revoked.has(normalized[block] ?? "")) {
      throw refusal("token_revoked", { block, revocationId });
    }
  }
  return token;
}

/** Reads a token, checks its signatures, and that no block of it was revoked. */
export async function openToken(shown: ShownToken, options: OpenOptions): Promise<Biscuit> {
  const { rootKey, cache, crypto, revoked } = options;
  const input = tokenInput(shown);
  return notRevoked(await refusing(() => verifyToken(input, rootKey, { cache, crypto })), revoked);
}

/** The same, at once. */
export function openTokenSync(shown: ShownToken, options: OpenOptions): Biscuit {
  const { rootKey, cache, crypto, revoked } = options;
  const input = tokenInput(shown);
  return notRevoked(
    refusingSync(() => verifyTokenSync(input, rootKey, { cache, crypto })),
    revoked,
  );
}
