import { fetchKey, withClient } from "../../capability/connect.ts";
import { serverOptions, verbose } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { serverOf } from "../../capability/server.ts";
import { saveToken, tokenOf } from "../../capability/tokens.ts";
import type { Command } from "../../command.ts";
import { CliFailure } from "../../failure.ts";

/** Exchanges an identity token for a fresh one; no certificate is needed. */
export const refresh: Command = {
  name: "identity refresh",
  summary: "Exchange an identity token that nothing was appended to for a fresh one",
  options: {
    "token-name": { kind: "text", value: "NAME", summary: "The saved token; default" },
    "save-as": { kind: "text", value: "NAME", summary: "Save the fresh one under another name" },
    ...serverOptions,
    verbose,
  },
  run: (run) =>
    telling(run, {}, async () => {
      const { given, world, print } = run;
      const server = await serverOf(run);
      const { token: current } = await tokenOf(run, async () => server);
      const response = await withClient(run, server, { as: "anonymous" }, async (client) => {
        const refreshed = await client.refreshIdentityToken(current);
        await fetchKey(run, server, client);
        return refreshed;
      });
      const { token, identity, expiresIn, responseMsg } = response;
      if (token === undefined || identity === undefined || expiresIn === undefined) {
        throw new CliFailure(`Refresh failed: ${responseMsg}`);
      }
      const name = given.text("save-as") ?? given.text("token-name") ?? "default";
      const path = await saveToken(world, server, name, token);
      print.data({ success: true, identity, expires_in: expiresIn, saved_as: name, token_path: path }, () => [
        `${identity} has a fresh token for ${expiresIn} seconds, saved as ${name}`,
        ...(given.flag("verbose") ? [`path: ${path}`] : []),
      ]);
    }),
};
