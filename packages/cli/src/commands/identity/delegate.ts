import { LocalTokens } from "@countersign/sdk";
import { publicKeyOf } from "../../capability/connect.ts";
import { newTokenOptions, publicKeyOptions, serverOptions, ttl } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { serverOf } from "../../capability/server.ts";
import { saveToken, tokenOf } from "../../capability/tokens.ts";
import type { Command } from "../../command.ts";

/** Hands an identity token to a sub-identity, offline. */
export const delegate: Command = {
  name: "identity delegate",
  summary: "Make an identity token for a sub-identity, offline",
  options: {
    identity: { kind: "text", short: "i", summary: "Below that of the token: urn:a:laptop of urn:a" },
    ttl: ttl("How long it holds; 3600"),
    "from-token": { kind: "text", value: "NAME", summary: "The saved token that it is made of; default" },
    "token-file": { kind: "text", value: "FILE", summary: "A file with that token; - is stdin" },
    domain: { kind: "text", summary: "The domain of the token, where it has one" },
    ...newTokenOptions,
    ...serverOptions,
    ...publicKeyOptions,
  },
  examples: ["countersign identity delegate -i urn:example:alice:laptop --ttl 600 --save-as laptop"],
  run: (run) =>
    telling(run, {}, async () => {
      const { given, world, print } = run;
      const identity = given.required("identity");
      const seconds = given.integer("ttl") ?? 3600;
      const server = () => serverOf(run);
      const { token, source } = await tokenOf(run, server, "from-token");
      const publicKey = await publicKeyOf(run, server);
      const tokens = new LocalTokens({ publicKey, clock: world.clock });
      const delegated = await tokens.attenuateIdentityToken(token, identity, seconds, given.text("domain"));
      const name = given.text("save-as");
      const saved =
        name === undefined
          ? { saved: false }
          : { saved: true, saved_as: name, token_path: await saveToken(world, await server(), name, delegated) };
      if (given.flag("token-only")) return print.text(`${delegated}\n`);
      const fromToken = given.text("from-token") ?? (source === "token file" ? "token file" : "default");
      const shown = given.text("token-file") !== undefined && name === undefined ? null : (await server()).shown;
      print.data(
        {
          success: true,
          server: shown,
          token: delegated,
          delegated_identity: identity,
          ttl: seconds,
          from_token: fromToken,
          ...saved,
        },
        () => [
          `${identity} may act for ${seconds} seconds${name === undefined ? "" : `; the token is saved as ${name}`}`,
          delegated,
        ],
      );
    }),
};
