import { openApi, remoteOptions } from "../../api.ts";
import { newTokenOptions, ttl } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { serverNamed } from "../../capability/server.ts";
import { saveToken } from "../../capability/tokens.ts";
import type { Command } from "../../command.ts";
import { CliFailure } from "../../failure.ts";
import { textIn } from "../../json-members.ts";

/** An operator issues the first identity token of a service, which then needs no certificate. */
export const issue: Command = {
  name: "identity issue",
  summary: "As an administrator, issue an identity token for a subject of the policy",
  options: {
    subject: { kind: "text", short: "s", summary: "Whom it is for, as the policy names it" },
    ttl: ttl("How long it holds, a day at most; as the policy says"),
    ...newTokenOptions,
    ...remoteOptions,
  },
  examples: ["countersign identity issue -s urn:example:billing --token-only > billing.token"],
  run: (run) => {
    const { given, world, print } = run;
    const subject = given.required("subject");
    const seconds = given.integer("ttl");
    return telling(run, {}, async () => {
      const api = await openApi(run);
      const wanted = { subject, ...(seconds === undefined ? {} : { expires_in: seconds }) };
      const { expires_in = null, ...answer } = await api.send("POST", "/api/v1/identity-tokens", wanted);
      const token = textIn(answer, "token");
      if (token === undefined) throw new CliFailure(`no token came from: ${api.url}`);
      const identity = textIn(answer, "identity") ?? subject;
      const server = await serverNamed(new URL(api.url).host, run);
      const name = given.text("save-as");
      const saved =
        name === undefined
          ? { saved: false }
          : { saved: true, saved_as: name, token_path: await saveToken(world, server, name, token) };
      if (given.flag("token-only")) return print.text(`${token}\n`);
      print.data({ success: true, server: server.shown, subject, identity, expires_in, token, ...saved }, () => [
        `${identity} has a token for ${expires_in} seconds`,
        token,
      ]);
    });
  },
};
