import { perform, runLater, runNow, type Steps } from "./action.ts";
import { assertBytes } from "./arguments.ts";
import { Biscuit, verifiedToken } from "./biscuit.ts";
import { resolveLimits, type TokenLimits } from "./limits.ts";
import { chooseRoot, type RootKey } from "./root-key.ts";
import { holdsFor } from "./signature-cache.ts";
import { tokenBytes } from "./token-bytes.ts";
import type { VerifyOptions } from "./verification.ts";

/** How a token is read and verified. */
export interface VerifyTokenOptions extends VerifyOptions {
  /** What reading it may cost. @default DEFAULT_LIMITS */
  readonly limits?: Partial<TokenLimits>;
}

function* verified(token: Uint8Array | string, root: RootKey, options: VerifyTokenOptions): Steps<Biscuit> {
  const limits = resolveLimits(options.limits);
  if (typeof token !== "string") assertBytes("verifyToken", "a token as bytes or base64", token);
  const bytes = typeof token === "string" ? tokenBytes(token, limits) : token;
  const known = options.cache?.find(bytes);
  if (known !== undefined) {
    const key = yield* perform(chooseRoot(root, known.chain.container.rootKeyId));
    if (holdsFor(known, key, limits)) return verifiedToken({ chain: known.chain, rootAlgorithm: key.algorithm });
  }
  // The caller may have written to its bytes since; those of the cache are its own.
  const unverified = Biscuit.parse(known?.bytes ?? bytes, options.limits);
  return yield* perform({
    now: () => unverified.verifySync(root, options),
    later: () => unverified.verify(root, options),
  });
}

/**
 * Reads a token and checks every signature of it: `Biscuit.parse(token, limits).verify(root, options)` in one. A token
 * that the cache knows whole is not even decoded.
 *
 * @param token Bytes, or base64 with or without the prefix `biscuit:`.
 * @throws {FormatError}, {@link LimitError} or {@link SignatureError} as `Biscuit.parse` and its `verify` do.
 * @example
 * const { publicKey, privateKey } = await KeyPair.generate();
 * const text = (await Biscuit.builder().code(`user("alice");`).build(privateKey)).toBase64();
 * const token = await verifyToken(text, publicKey, { cache: new SignatureCache() });
 */
export function verifyToken(
  token: Uint8Array | string,
  root: RootKey,
  options: VerifyTokenOptions = {},
): Promise<Biscuit> {
  return runLater(verified(token, root, options));
}

/** The same as {@link verifyToken}, at once. @throws {KeyError} `no_sync_crypto` */
export function verifyTokenSync(token: Uint8Array | string, root: RootKey, options: VerifyTokenOptions = {}): Biscuit {
  return runNow(verified(token, root, options));
}
