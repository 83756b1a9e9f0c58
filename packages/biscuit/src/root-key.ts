import type { Action } from "./action.ts";
import { PublicKey } from "./crypto/keys.ts";
import { FormatError, KeyError } from "./errors.ts";

/** Chooses the root key for a token by its root key id, an unsigned 32-bit integer that the token may lack. */
export type RootKeyProvider = (rootKeyId: number | undefined) => PublicKey | undefined | Promise<PublicKey | undefined>;

/** The key that a token must be rooted in, or the way to choose it. */
export type RootKey = PublicKey | RootKeyProvider;

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
    return key;
  };
  return {
    now: () => {
      const key = root instanceof PublicKey ? root : root(rootKeyId);
      if (key instanceof Promise) {
        throw new KeyError("no_sync_crypto", "Cannot wait for the root key in a synchronous call: call verify()");
      }
      return accept(key);
    },
    later: async () => accept(root instanceof PublicKey ? root : await root(rootKeyId)),
  };
}
