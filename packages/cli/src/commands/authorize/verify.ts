import { LocalTokens, ServiceChain } from "@countersign/sdk";
import { publicKeyOf } from "../../capability/connect.ts";
import { publicKeyOptions, serverOptions } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { serverOf } from "../../capability/server.ts";
import type { Command, Run } from "../../command.ts";
import { givenToken, tokenText } from "./common.ts";

const { server: _, ...withoutServer } = serverOptions;

async function judge(run: Run, subject: string, resource: string, operation: string): Promise<void> {
  const { given, world } = run;
  const token = await givenToken(run);
  const tokens = new LocalTokens({ publicKey: await publicKeyOf(run, () => serverOf(run)), clock: world.clock });
  const chainFile = given.text("chain-file");
  if (chainFile === undefined) {
    await tokens.verifyToken(token, subject, resource, operation, {
      domain: given.text("domain"),
      prefix: given.text("prefix"),
    });
    return;
  }
  const chain = await ServiceChain.fromFile(chainFile);
  await tokens.verifyServiceChainToken(token, subject, resource, operation, chain, given.text("component"));
}

/** Verifies an authorization token, offline. */
export const verify: Command = {
  name: "authorize verify",
  summary: "Verify an authorization token, offline",
  options: {
    ...tokenText,
    subject: { kind: "text", short: "s", summary: "Who acts" },
    resource: { kind: "text", short: "r", summary: "What is acted on" },
    operation: { kind: "text", short: "o", summary: "What is done" },
    domain: { kind: "text", summary: "The domain in which the token is used" },
    prefix: { kind: "text", summary: "The prefix under which the resource lies" },
    "chain-file": { kind: "text", value: "FILE", summary: "The services that must have attested it: JSON or TOML" },
    component: { kind: "text", summary: "This service: those before it must have attested" },
    server: { kind: "text", value: "HOST", summary: "Host of the authority, and its port; the default server" },
    ...withoutServer,
    ...publicKeyOptions,
  },
  examples: ["countersign authorize verify -s urn:example:alice -r invoices -o read < token"],
  run: (run) => {
    const { given, print } = run;
    const [subject, resource, operation] = ["subject", "resource", "operation"].map(given.required);
    const asked = { subject, resource, operation };
    return telling(run, asked, async () => {
      await judge(run, subject ?? "", resource ?? "", operation ?? "");
      print.data({ success: true, ...asked, message: "Token is valid" }, () => [
        `the token is valid: ${subject} may ${operation} ${resource}`,
      ]);
    });
  },
};
