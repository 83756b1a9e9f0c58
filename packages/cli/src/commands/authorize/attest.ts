import { LocalTokens } from "@countersign/sdk";
import { publicKeyOf } from "../../capability/connect.ts";
import { publicKeyOptions, serverOptions } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { serverOf } from "../../capability/server.ts";
import type { Command } from "../../command.ts";
import { givenToken, printSigned, signingKey, signingOptions, tokenText } from "./common.ts";

/** Attests, as a service of a chain, that a token passed here; offline. */
export const attest: Command = {
  name: "authorize attest",
  summary: "Attest, as a service of a chain, that a token passed here; offline",
  options: {
    ...tokenText,
    resource: { kind: "text", short: "r", summary: "The resource of the token" },
    ...signingOptions,
    ...serverOptions,
    ...publicKeyOptions,
  },
  examples: ["countersign authorize attest -r orders --signing-key gateway.pem --token-only < token"],
  run: (run) => {
    const { given, world } = run;
    const [resource, keyFile] = [given.required("resource"), given.required("signing-key")];
    return telling(run, { resource }, async () => {
      const token = await givenToken(run);
      const personalKeypair = await signingKey(keyFile);
      const publicKey = await publicKeyOf(run, () => serverOf(run));
      const tokens = new LocalTokens({ publicKey, personalKeypair, clock: world.clock });
      printSigned(run, await tokens.attestServiceChainToken(token, resource), { resource });
    });
  },
};
