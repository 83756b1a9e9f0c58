import { LocalTokens } from "@countersign/sdk";
import { publicKeyOf } from "../../capability/connect.ts";
import { publicKeyOptions, serverOptions, tokenOptions } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { serverOf } from "../../capability/server.ts";
import { tokenOf } from "../../capability/tokens.ts";
import type { Command } from "../../command.ts";

/** Verifies an identity token, offline. */
export const verify: Command = {
  name: "identity verify",
  summary: "Verify an identity token, offline",
  options: {
    ...tokenOptions,
    identity: { kind: "text", short: "i", summary: "Who acts; whom the token names" },
    domain: { kind: "text", summary: "The domain in which the token is used" },
    ...serverOptions,
    ...publicKeyOptions,
  },
  examples: ["countersign identity verify --token-name laptop -i urn:example:alice:laptop"],
  run: (run) =>
    telling(run, { valid: false }, async () => {
      const { given, world, print } = run;
      const server = () => serverOf(run);
      const { token } = await tokenOf(run, server);
      const tokens = new LocalTokens({ publicKey: await publicKeyOf(run, server), clock: world.clock });
      const [wanted, domain] = [given.text("identity"), given.text("domain")];
      const { actor } =
        wanted === undefined
          ? await tokens.authenticateIdentityToken(token, domain)
          : await tokens.verifyIdentityToken(token, wanted, domain);
      print.data({ success: true, valid: true, identity: actor }, () => [`the token is valid for ${actor}`]);
    }),
};
