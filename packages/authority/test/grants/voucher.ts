import { CountersignError } from "@countersign/protocol";
import type { Grant } from "../../src/grants/grant.ts";
import type { Services } from "../../src/services.ts";

/** The key of a voucher in the store. */
export const voucherKey = (code: string) => `VOUCHER#${code}`;

/** A grant for tests: a voucher that is good for one token. */
export const voucher: Grant = {
  type: "urn:example:params:oauth:grant-type:test-voucher",
  confidentialOnly: true,
  parameters: { voucher: "A code that is good once" },
  async authorize(request, caller, { store }: Pick<Services, "store">) {
    const key = voucherKey(request.parameters.get("voucher") ?? "");
    const item = await store.get(key);
    if (item === undefined) throw new CountersignError("invalid_grant", { detail: "no such voucher" });
    return {
      scopeLimits: [],
      defaultScopes: caller.client.scopes,
      consume: () => ({ changes: [{ key, expectedVersion: item.version, remove: true }] }),
    };
  },
};
