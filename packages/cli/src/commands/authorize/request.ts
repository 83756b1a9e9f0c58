import type { TokenResponse } from "@countersign/sdk";
import { publicKeyOf, withClient } from "../../capability/connect.ts";
import { certificateOptions, publicKeyOptions, serverOptions } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { type Server, serverOf } from "../../capability/server.ts";
import { savedToken, tokenOf } from "../../capability/tokens.ts";
import type { Command, Run } from "../../command.ts";
import { CliFailure } from "../../failure.ts";

/** The identity token to ask with: as named, of a file, or the one that is saved as default; without one the certificate counts. */
async function identityToken({ given, world }: Run, server: Server): Promise<string | undefined> {
  if (given.text("identity-token") !== undefined || given.text("token-file") !== undefined) {
    return (await tokenOf({ given, world }, async () => server, "identity-token")).token;
  }
  return given.text("cert") === undefined ? savedToken(world, server, "default") : undefined;
}

async function ask(run: Run, server: Server, resource: string, operation: string): Promise<TokenResponse> {
  const domain = run.given.text("domain");
  const identity = await identityToken(run, server);
  if (identity === undefined) {
    return withClient(run, server, { as: "certified" }, (client) =>
      client.requestToken(resource, operation, { domain }),
    );
  }
  const publicKey = await publicKeyOf(run, async () => server);
  return withClient(run, server, { as: "anonymous", publicKey }, (client) =>
    client.requestTokenWithIdentity(resource, operation, identity, { domain }),
  );
}

/** Takes a token to the parties, who know callers by their certificate. */
async function collect(run: Run, server: Server, response: TokenResponse, resource: string, operation: string) {
  const publicKey = await publicKeyOf(run, async () => server);
  const token = await withClient(run, server, { as: "certified", publicKey }, (client) =>
    client.collectSignoffs(response, resource, operation),
  );
  return { ...response, token, pendingSignoffs: [] };
}

async function requested(run: Run, resource: string, operation: string): Promise<TokenResponse> {
  const server = await serverOf(run);
  const response = await ask(run, server, resource, operation);
  if (response.token === undefined || !run.given.flag("collect-signoffs")) return response;
  return collect(run, server, response, resource, operation);
}

/** Asks for an authorization token. */
export const request: Command = {
  name: "authorize request",
  summary: "Ask for an authorization token, with an identity token or a client certificate",
  options: {
    resource: { kind: "text", short: "r", summary: "What is acted on" },
    operation: { kind: "text", short: "o", summary: "What is done: read, write, …" },
    "identity-token": {
      kind: "text",
      value: "NAME",
      short: "i",
      summary: "A saved identity token; default, if there is one",
    },
    "token-file": { kind: "text", value: "FILE", short: "t", summary: "A file with an identity token; - is stdin" },
    domain: { kind: "text", summary: "The domain in which the token will be used" },
    "collect-signoffs": { kind: "flag", summary: "Take it to every party that has to sign it off" },
    "token-only": { kind: "flag", summary: "Print the token and nothing else" },
    ...serverOptions,
    ...certificateOptions,
    ...publicKeyOptions,
  },
  examples: ["countersign authorize request -r invoices -o read --token-only"],
  run: (run) => {
    const { given, print } = run;
    const [resource, operation] = [given.required("resource"), given.required("operation")];
    return telling(run, { resource, operation }, async () => {
      const { token, responseMsg, pendingSignoffs = [] } = await requested(run, resource, operation);
      const pending = pendingSignoffs.map(({ component, authorizationService, publicKey }) => {
        return { component, authorization_service: authorizationService, public_key: publicKey };
      });
      const said = { resource, operation, response_msg: responseMsg, pending_signoffs: pending };
      if (token === undefined) {
        if (print.json) print.data({ success: false, ...said }, () => []);
        throw new CliFailure(`Authorization failed: ${responseMsg}`);
      }
      if (given.flag("token-only")) return print.text(token);
      print.data({ success: true, token, ...said }, () => [
        token,
        ...pending.map(({ component, authorization_service: at }) => `to be signed off by ${component} at ${at}`),
      ]);
    });
  },
};
