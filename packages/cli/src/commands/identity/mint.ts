import { withClient } from "../../capability/connect.ts";
import { certificateOptions, newTokenOptions, serverOptions, ttl } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { serverOf } from "../../capability/server.ts";
import { saveToken } from "../../capability/tokens.ts";
import type { Command } from "../../command.ts";
import { CliFailure } from "../../failure.ts";

const { server: _, ...withoutServer } = serverOptions;

/** Has the authority mint an identity below the caller's. */
export const mint: Command = {
  name: "identity mint",
  summary: "Have the authority mint an identity token for somebody in the caller's domain",
  options: {
    subject: { kind: "text", short: "s", summary: "Below the caller's identity: urn:realm:user of urn:realm" },
    ttl: ttl("How long it holds; as the authority likes"),
    server: { kind: "text", value: "HOST", summary: "Host of the authority, and its port; the default server" },
    ...withoutServer,
    ...certificateOptions,
    ...newTokenOptions,
  },
  examples: ["countersign identity mint -s urn:example:shop:user1 --save-as user1"],
  run: (run) =>
    telling(run, {}, async () => {
      const { given, world, print } = run;
      const subject = given.required("subject");
      const seconds = given.integer("ttl");
      const server = await serverOf(run);
      const response = await withClient(run, server, { as: "certified" }, (client) =>
        client.mintDomainRestrictedIdentityToken(subject, seconds),
      );
      const { token, identity = subject, expiresIn = null, responseMsg } = response;
      if (token === undefined) throw new CliFailure(`Minting failed: ${responseMsg}`);
      const name = given.text("save-as");
      const saved =
        name === undefined
          ? { saved: false }
          : { saved: true, saved_as: name, token_path: await saveToken(world, server, name, token) };
      if (given.flag("token-only")) return print.text(`${token}\n`);
      print.data(
        { success: true, server: server.shown, subject, identity, expires_in: expiresIn, token, ...saved },
        () => [`${identity} has a token for ${expiresIn} seconds`, token],
      );
    }),
};
