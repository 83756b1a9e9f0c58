import { decodeJwt, importKeys, type ProfileName, TokenRefused, verifyJwt } from "@countersign/protocol";
import { accessTokenOf, passwordIn, remoteOptions, urlOf } from "../api.ts";
import { call, postForm } from "../call.ts";
import type { Command, Option, Run } from "../command.ts";
import { CliFailure, usageFailure } from "../failure.ts";
import type { JsonObject } from "../json-members.ts";
import { instant, memberLines } from "../printer.ts";
import { askSecret, readAll } from "../prompt.ts";

const clientOptions: Readonly<Record<string, Option>> = {
  "client-id": { kind: "text", value: "ID", summary: "COUNTERSIGN_CLIENT_ID, or loopback" },
};

const token = [
  { name: "token", summary: "- or nothing reads it from stdin, which no other user can see", required: false },
];

/** Tokens, as a client sees them. */
export const tokenCommands: readonly Command[] = [
  {
    name: "token get",
    summary: "Get an access token: of a client by COUNTERSIGN_CLIENT_SECRET, else of a user by password",
    options: {
      ...remoteOptions,
      ...clientOptions,
      username: { kind: "text", summary: "COUNTERSIGN_USERNAME, or admin" },
      scope: { kind: "list", value: "SCOPE", summary: "What to ask for" },
      audience: { kind: "text", summary: "Whom the token is for" },
    },
    examples: [
      "countersign token get --client-id ci",
      "countersign token get --username alice --scope read,offline_access",
    ],
    async run(run) {
      const url = urlOf(run);
      const response = await postForm(`${url}/oauth/token`, {
        ...(await grantOf(run)),
        scope: run.given.list("scope")?.join(" "),
        audience: run.given.text("audience"),
      });
      const accessToken = accessTokenOf(response, url);
      run.print.data(response, () => [accessToken]);
    },
  },
  {
    name: "token inspect",
    summary: "Show what an access token says, and whether the authority's keys verify it",
    positionals: token,
    options: { ...remoteOptions, offline: { kind: "flag", summary: "Only decode it" } },
    run: inspect,
  },
  {
    name: "token revoke",
    summary: "Revoke an access token, or a refresh token and its login",
    positionals: token,
    options: { ...remoteOptions, ...clientOptions },
    async run(run) {
      const { env } = run.world;
      await postForm(`${urlOf(run)}/oauth/revoke`, {
        token: await tokenText(run),
        client_id: run.given.text("client-id") ?? env.COUNTERSIGN_CLIENT_ID ?? "loopback",
        client_secret: env.COUNTERSIGN_CLIENT_SECRET,
      });
      run.print.done({ answer: "revoked, if it was this client's" }, "revoked, if it was this client's");
    },
  },
];

async function grantOf({ given, world }: Run): Promise<Readonly<Record<string, string | undefined>>> {
  const { env } = world;
  const clientId = given.text("client-id") ?? env.COUNTERSIGN_CLIENT_ID ?? "loopback";
  const secret = env.COUNTERSIGN_CLIENT_SECRET;
  const named = given.text("username") ?? env.COUNTERSIGN_USERNAME;
  if (named === undefined && clientId !== "loopback") {
    const asked = secret ?? (await askSecret(world, `secret of ${clientId}: `));
    if (asked === undefined) throw usageFailure("no credential", "set COUNTERSIGN_CLIENT_SECRET, or give --username");
    return { grant_type: "client_credentials", client_id: clientId, client_secret: asked };
  }
  const username = named ?? "admin";
  const password = passwordIn(env) ?? (await askSecret(world, `password of ${username}: `));
  if (password === undefined) throw usageFailure("no credential", "set COUNTERSIGN_PASSWORD");
  return { grant_type: "password", client_id: clientId, client_secret: secret, username, password };
}

async function inspect(run: Run): Promise<void> {
  const text = await tokenText(run);
  const { header, claims } = decoded(text);
  const verdict = run.given.flag("offline") ? NOT_CHECKED : await verdictOn(text, header, claims, run);
  run.print.data({ header, claims, verdict }, () => [
    ...memberLines(header),
    "",
    ...memberLines(withDates(claims)),
    "",
    `verdict: ${verdict}`,
  ]);
  if (verdict !== VALID && verdict !== NOT_CHECKED) throw new CliFailure(`the token is not valid: ${verdict}`);
}

const VALID = "valid";
const NOT_CHECKED = "not checked";
const dates: ReadonlySet<string> = new Set(["exp", "iat", "nbf"]);

function withDates(claims: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [name, dates.has(name) ? instant(value) : value]),
  );
}

function decoded(text: string): { readonly header: JsonObject; readonly claims: JsonObject } {
  try {
    const { header, claims } = decodeJwt(text);
    return { header: { ...header }, claims: { ...claims } };
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    throw new CliFailure(`this is no JWT: ${error.message}`, { hints: ["a refresh token has nothing to show"] });
  }
}

/** Verifies by the published keys, for whatever audience the token names: this is nobody it was sent to. */
async function verdictOn(text: string, header: JsonObject, claims: JsonObject, run: Run): Promise<string> {
  const url = urlOf(run);
  const set = header.alg === "ML-DSA-65" ? "jwks-pqc.json" : "jwks.json";
  const metadata = await call(`${url}/.well-known/oauth-authorization-server`);
  const keys = importKeys(await call(`${url}/.well-known/${set}`));
  const rules = { issuer: String(metadata.issuer), audience: audienceOf(claims), clock: run.world.clock };
  try {
    await verifyJwt(text, keys, { profile: profileOf(header, claims), ...rules });
    return VALID;
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    return error.difference === "" ? error.message : `${error.message}: ${error.difference}`;
  }
}

/** A token of the `plain` profile has no audience, one of the `jwt` profile has one. */
function profileOf({ typ }: JsonObject, { aud }: JsonObject): ProfileName {
  if (String(typ).toLowerCase() === "at+jwt") return "access_token";
  return aud === undefined ? "plain" : "jwt_access_token";
}

function audienceOf({ aud }: JsonObject): readonly string[] | undefined {
  if (typeof aud === "string") return [aud];
  return Array.isArray(aud) ? aud.map(String) : undefined;
}

/** The arguments of a process can be read by everybody on its machine, and stay in the shell's history. */
async function tokenText({ given, world }: Run): Promise<string> {
  const text = given.text("token") ?? "-";
  if (text !== "-") return text;
  if (world.stdin.isTTY === true) return (await askSecret(world, "token: "))?.trim() ?? "";
  return (await readAll(world.stdin)).trim();
}
