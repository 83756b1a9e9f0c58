import type { Action } from "./action.ts";
import { wrongArgument } from "./arguments.ts";
import { KeyPair, PublicKey } from "./crypto/keys.ts";
import { FormatError, KeyError } from "./errors.ts";

/** Chooses the root key for a token by its root key id, an unsigned 32-bit integer that the token may lack. */
export type RootKeyProvider = (rootKeyId: number | undefined) => PublicKey | undefined | Promise<PublicKey | undefined>;

/** The key that a token must be rooted in, or the way to choose it. */
export type RootKey = PublicKey | RootKeyProvider;

/** Refuses what is no public key. @throws {UsageError} */
export function assertPublicKey(call: string, value: unknown): PublicKey {
  if (value instanceof PublicKey) return value;
  const hint = typeof value === "string" ? ": PublicKey.parse(text), or PublicKey.fromPem(pem)" : "";
  const half = value instanceof KeyPair ? ": pair.publicKey" : hint;
  throw wrongArgument(call, `a PublicKey${half}`, value);
}

function unknownRootKey(rootKeyId: number | undefined): FormatError {
  return new FormatError(
    "unknown_root_key",
    `Cannot find the root key of the token: root key id ${rootKeyId ?? "absent"}`,
  );
}

/** Asks for the root key of a token. */
export function chooseRoot(root: RootKey, rootKeyId: number | undefined): Action<PublicKey> {
  const accept = (key: PublicKey | undefined): PublicKey => {
    if (key === undefined) throw unknownRootKey(rootKeyId);
    return assertPublicKey("verify", key);
  };
  const choose = (): ReturnType<RootKeyProvider> =>
    typeof root === "function" ? root(rootKeyId) : assertPublicKey("verify", root);
  return {
    now: () => {
      const key = choose();
      if (key instanceof Promise) {
        throw new KeyError("no_sync_crypto", "Cannot wait for the root key in a synchronous call: call verify()");
      }
      return accept(key);
    },
    later: async () => accept(await choose()),
  };
}
