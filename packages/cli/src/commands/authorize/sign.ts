import { LocalTokens } from "@countersign/sdk";
import { publicKeyOf, withClient } from "../../capability/connect.ts";
import { certificateOptions, publicKeyOptions, serverOptions } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { serverOf } from "../../capability/server.ts";
import type { Command, Run } from "../../command.ts";
import { CliFailure, usageFailure } from "../../failure.ts";
import { givenToken, printSigned, signingKey, signingOptions, tokenText } from "./common.ts";

/** Signs with a key at hand. */
async function signHere(run: Run, keyFile: string, component: string): Promise<void> {
  const token = await givenToken(run);
  const personalKeypair = await signingKey(keyFile);
  const publicKey = await publicKeyOf(run, () => serverOf(run));
  const tokens = new LocalTokens({ publicKey, personalKeypair, clock: run.world.clock });
  printSigned(run, await tokens.signOffToken(token, component), { component });
}

/** Has an authority sign, which judges by its own policy. */
async function signThere(run: Run, resource: string, operation: string): Promise<void> {
  const token = await givenToken(run);
  const server = await serverOf(run);
  const { signedToken, responseMsg } = await withClient(run, server, { as: "certified" }, (client) =>
    client.signToken(token, resource, operation),
  );
  if (signedToken === undefined) throw new CliFailure(`Signoff failed: ${responseMsg}`);
  printSigned(run, signedToken, { resource, operation, response_msg: responseMsg });
}

/** Signs a multi-party token off. */
export const sign: Command = {
  name: "authorize sign",
  summary: "Sign a multi-party token off: offline with a key, or have an authority do it by its policy",
  options: {
    ...tokenText,
    component: { kind: "text", summary: "The name of this party; with --signing-key" },
    resource: { kind: "text", short: "r", summary: "The resource of the token; for the authority" },
    operation: { kind: "text", short: "o", summary: "Its operation; for the authority" },
    ...signingOptions,
    ...serverOptions,
    ...certificateOptions,
    ...publicKeyOptions,
  },
  examples: [
    "countersign authorize sign --component finance --signing-key finance.pem --token-only < token",
    "countersign authorize sign --server finance.example.com -r payments -o pay < token",
  ],
  run: (run) =>
    telling(run, {}, async () => {
      const { given } = run;
      const [keyFile, component] = [given.text("signing-key"), given.text("component")];
      if (keyFile !== undefined && component !== undefined) return signHere(run, keyFile, component);
      if (keyFile !== undefined || component !== undefined) {
        throw usageFailure("--signing-key and --component belong together");
      }
      return signThere(run, given.required("resource"), given.required("operation"));
    }),
};
