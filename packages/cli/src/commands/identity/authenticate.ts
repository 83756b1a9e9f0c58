import { LocalTokens } from "@countersign/sdk";
import { fetchKey, withClient } from "../../capability/connect.ts";
import { certificateOptions, serverOptions, ttl, verbose } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { serverOf } from "../../capability/server.ts";
import { saveToken } from "../../capability/tokens.ts";
import type { Command } from "../../command.ts";
import { CliFailure } from "../../failure.ts";

/** Gets an identity token with a client certificate. */
export const authenticate: Command = {
  name: "identity authenticate",
  summary: "Get an identity token with a client certificate, and save it",
  options: {
    ...serverOptions,
    ...certificateOptions,
    "save-as": { kind: "text", value: "NAME", summary: "Save it under this name; default" },
    ttl: ttl("Let it hold for this long only; such a token cannot be refreshed"),
    verbose,
  },
  examples: ["countersign identity authenticate -s localhost:8443 --ca ca.crt --cert me.crt --key me.key"],
  run: (run) =>
    telling(run, {}, async () => {
      const { given, world, print } = run;
      const server = await serverOf(run);
      const { publicKey, response } = await withClient(run, server, { as: "certified" }, async (client) => ({
        publicKey: await fetchKey(run, server, client),
        response: await client.requestIdentityToken(),
      }));
      const { token, identity, expiresIn } = response;
      if (token === undefined || identity === undefined || expiresIn === undefined) {
        throw new CliFailure(`Authentication failed: ${response.responseMsg}`);
      }
      const seconds = given.integer("ttl");
      const kept =
        seconds === undefined || seconds >= expiresIn
          ? token
          : await new LocalTokens({ publicKey, clock: world.clock }).narrowToken(token, seconds);
      const lives = Math.min(expiresIn, seconds ?? expiresIn);
      const name = given.text("save-as") ?? "default";
      const path = await saveToken(world, server, name, kept);
      print.data(
        { success: true, server: server.shown, identity, expires_in: lives, token_saved_as: name, token_path: path },
        () => [
          `${identity} is authenticated at ${server.shown} for ${lives} seconds; its token is saved as ${name}`,
          ...(given.flag("verbose") ? [`path: ${path}`] : []),
        ],
      );
    }),
};
