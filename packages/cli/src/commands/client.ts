import {
  assertionAudiences,
  clientAuthMethods,
  grantTypes,
  signingAlgorithms,
  tokenProfiles,
} from "@countersign/authority";
import { apiPath, openApi, remoteOptions } from "../api.ts";
import { Refusal } from "../call.ts";
import type { Arguments, Command, Option, Run } from "../command.ts";
import { CliFailure, reasonOf, usageFailure } from "../failure.ts";
import { type JsonObject, textIn } from "../json-members.ts";
import { listingOptions, printListing } from "../listing.ts";
import { readBytes } from "../open-authority.ts";
import { instant, memberLines } from "../printer.ts";

const client = [{ name: "client", summary: "Its client id" }];
const PATH = "/api/v1/client";

const clientOptions: Readonly<Record<string, Option & { readonly member: string }>> = {
  name: { kind: "text", summary: "What people call it", member: "client_name" },
  scopes: { kind: "list", value: "SCOPE", summary: "The most its tokens may hold", member: "scopes" },
  grants: {
    kind: "list",
    value: "GRANT",
    choices: grantTypes.map(shortGrant),
    summary: "How it may get tokens",
    member: "grants",
  },
  "auth-method": {
    kind: "text",
    value: "METHOD",
    choices: clientAuthMethods,
    summary: "How it proves who it is",
    member: "token_endpoint_auth_method",
  },
  jwks: { kind: "text", value: "FILE", summary: "Its public keys or certificates, a JWK set", member: "jwks" },
  "assertion-audience": {
    kind: "text",
    value: "AUD",
    choices: assertionAudiences.map(asOneWord),
    summary: "What its assertions (private_key_jwt) may name as their audience",
    member: "assertion_audience",
  },
  "san-dns": { kind: "text", value: "NAME", summary: "DNS name in its certificate", member: "tls_client_auth_san_dns" },
  "san-uri": { kind: "text", value: "URI", summary: "URI in its certificate", member: "tls_client_auth_san_uri" },
  profile: {
    kind: "text",
    value: "PROFILE",
    choices: tokenProfiles,
    summary: "Shape of its tokens; jwt is at+jwt for verifiers that know no type but JWT",
    member: "access_token_profile",
  },
  algorithm: {
    kind: "text",
    value: "ALG",
    choices: signingAlgorithms,
    summary: "Signature of its tokens",
    member: "access_token_signing_alg",
  },
  audience: {
    kind: "list",
    value: "AUD",
    summary: "Audiences it may ask for; the first is the default",
    member: "audience",
  },
  "access-ttl": { kind: "text", value: "SECONDS", summary: "Life of its access tokens", member: "access_token_ttl" },
  "refresh-idle-ttl": {
    kind: "text",
    value: "SECONDS",
    summary: "Its refresh tokens die when unused for so long",
    member: "refresh_token_idle_ttl",
  },
  "refresh-absolute-ttl": {
    kind: "text",
    value: "SECONDS",
    summary: "Its logins end after so long",
    member: "refresh_token_absolute_ttl",
  },
  loopback: { kind: "flag", summary: "Only over the loopback interface", member: "loopback" },
};

/** Applications. */
export const clientCommands: readonly Command[] = [
  {
    name: "client list",
    summary: "List clients",
    options: listingOptions,
    run: (run) =>
      printListing(run, {
        path: PATH,
        member: "clients",
        columns: {
          ID: (row) => row.client_id,
          NAME: (row) => row.client_name,
          GRANTS: (row) => row.grants,
          SCOPES: (row) => row.scopes,
          STATE: (row) => (row.disabled === true ? "disabled" : "enabled"),
        },
      }),
  },
  {
    name: "client show",
    summary: "Show a client",
    positionals: client,
    options: remoteOptions,
    async run(run) {
      const api = await openApi(run);
      const found = await api.get(apiPath`/api/v1/client/${run.given.required("client")}`);
      run.print.data(found, () => memberLines(found));
    },
  },
  {
    name: "client create",
    summary: "Create a client; its secret is shown this once",
    options: {
      ...remoteOptions,
      id: { kind: "text", summary: "Its client id; client_ and a UUID by default" },
      credential: { kind: "flag", summary: "Give it a secret" },
      ...clientOptions,
    },
    examples: [
      "countersign client create --id ci --name ci --audience vault \\\n    --grants client_credentials --credential",
    ],
    async run(run) {
      const { given } = run;
      const wanted = {
        client_name: given.required("name"),
        scopes: [],
        grants: [],
        ...settings(given),
        ...(given.flag("credential") ? { credential: true } : {}),
        ...(given.text("id") === undefined ? {} : { client_id: given.text("id") }),
      };
      const api = await openApi(run);
      const made = await api.send("POST", PATH, wanted).catch((error: unknown) => {
        throw wantsCredential(error, given);
      });
      run.print.data(made, () => secretLines(made));
    },
  },
  {
    name: "client update",
    summary: "Change a client; what is not named stays",
    positionals: client,
    options: { ...remoteOptions, ...clientOptions },
    async run(run) {
      const change = settings(run.given);
      if (Object.keys(change).length === 0)
        throw usageFailure("nothing to change", "countersign client update --help lists what can be");
      await patch(run, change);
    },
  },
  {
    name: "client rotate-secret",
    summary: "Give a client a new secret, shown this once",
    positionals: client,
    options: {
      ...remoteOptions,
      overlap: { kind: "text", value: "SECONDS", summary: "How long the old one goes on working; 0 by default" },
    },
    async run(run) {
      const api = await openApi(run);
      const overlap = { overlap_seconds: run.given.integer("overlap") ?? 0 };
      const made = await api.send("POST", apiPath`/api/v1/client/${run.given.required("client")}/secret`, overlap);
      run.print.data(made, () => secretLines(made));
    },
  },
  {
    name: "client disable",
    summary: "Refuse a client's requests until it is enabled",
    positionals: client,
    options: remoteOptions,
    run: (run) => patch(run, { disabled: true }),
  },
  {
    name: "client enable",
    summary: "Accept a client's requests again",
    positionals: client,
    options: remoteOptions,
    run: (run) => patch(run, { disabled: false }),
  },
  {
    name: "client delete",
    summary: "Delete a client; its refresh tokens die with it",
    positionals: client,
    options: remoteOptions,
    async run(run) {
      const id = run.given.required("client");
      await (await openApi(run)).send("DELETE", apiPath`/api/v1/client/${id}`);
      run.print.done({ deleted: id }, `deleted ${id}`);
    },
  },
];

async function patch(run: Run, change: object): Promise<void> {
  const id = run.given.required("client");
  await (await openApi(run)).send("PATCH", apiPath`/api/v1/client/${id}`, change);
  run.print.done({ changed: id }, `changed ${id}`);
}

function settings(given: Arguments): Record<string, unknown> {
  const wanted: Record<string, unknown> = {};
  for (const [name, { kind, member }] of Object.entries(clientOptions)) {
    const value =
      kind === "list" ? given.list(name) : kind === "flag" ? given.flag(name) || undefined : given.text(name);
    if (value === undefined) continue;
    wanted[member] = readers[name]?.(given) ?? value;
  }
  return wanted;
}

/** Options whose value is not sent as it is written. */
const readers: Readonly<Record<string, (given: Arguments) => unknown>> = {
  ...Object.fromEntries(
    ["access-ttl", "refresh-idle-ttl", "refresh-absolute-ttl"].map((name) => [
      name,
      (given: Arguments) => given.integer(name),
    ]),
  ),
  jwks: (given) => readJwks(given.required("jwks")),
  grants: (given) => given.list("grants")?.map((name) => grantTypes.find((type) => shortGrant(type) === name)),
  "assertion-audience": (given) =>
    assertionAudiences.find((audience) => asOneWord(audience) === given.text("assertion-audience")),
};

/** The last part of a URN: colons part the words of some shells' completion. */
function shortGrant(type: string): string {
  return type.replace(/^urn:ietf:params:oauth:grant-type:/, "");
}

/** Shells complete words. */
function asOneWord(text: string): string {
  return text.replaceAll(" ", "-");
}

/** Most clients that the authority refuses to make lack the one thing that makes a secret. */
function wantsCredential(error: unknown, given: Arguments): unknown {
  const method = given.text("auth-method");
  const hasCredential = given.flag("credential") || given.text("jwks") !== undefined;
  const wantsOne = given.list("grants")?.includes("client_credentials") || method?.startsWith("client_secret_");
  if (!(error instanceof Refusal) || hasCredential || wantsOne !== true) return error;
  return new Refusal(error.code, error.message, [...error.hints, "--credential gives it a secret, shown this once"]);
}

function readJwks(file: string): unknown {
  const text = readBytes(file).toString();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliFailure(`this is no JWK set: ${file}`, { hints: [reasonOf(error)] });
  }
}

function secretLines(made: JsonObject): readonly string[] {
  const secret = textIn(made, "client_secret");
  const from = made.access_token_signing_from;
  return [
    `client id: ${made.client_id}`,
    ...(secret === undefined ? [] : [`client secret: ${secret}`]),
    ...(from === undefined ? [] : [`gets tokens from ${instant(from)}, when every verifier can know the key`]),
  ];
}
