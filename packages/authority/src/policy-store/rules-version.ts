import { sha256 } from "@countersign/protocol";
import { keys } from "../store/keys.ts";
import type { Item, Store } from "../store/store.ts";
import { updateItem } from "../store/update-item.ts";
import { SealedRulesError } from "./sealed-rules.ts";

/** `RV#rules`: the newest sealed rules that were run. */
interface RulesVersion {
  readonly version: number;
  /** SHA-256 of the file. */
  readonly hash: string;
}

/**
 * Remembers that sealed rules are run from here on. A lower version than one that ran before is refused, and another file of the
 * same version: whoever can replace the file cannot bring back rules that were taken away.
 *
 * @throws {SealedRulesError}
 */
export async function admitRulesVersion(store: Store, version: number, file: string): Promise<void> {
  const hash = sha256(file);
  await updateItem(store, keys.rulesVersion(), (item: Item<RulesVersion> | undefined) => {
    const newest = item?.value;
    if (newest !== undefined && version < newest.version) {
      const mending = "seal them anew under a higher version";
      throw new SealedRulesError(
        `Cannot run version ${version} of the rules: version ${newest.version} ran before; ${mending}`,
      );
    }
    if (newest?.version === version && newest.hash !== hash) {
      throw new SealedRulesError(`Cannot run other rules of version ${version} than ran before: raise their version`);
    }
    return newest?.version === version ? undefined : { draft: { value: { version, hash } } };
  });
}
