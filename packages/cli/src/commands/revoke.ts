import { decodeJwt, TokenRefused } from "@countersign/protocol";
import { LocalTokens } from "@countersign/sdk";
import { openApi, remoteOptions } from "../api.ts";
import { publicKeyOf } from "../capability/connect.ts";
import { publicKeyOptions } from "../capability/options.ts";
import { serverOf } from "../capability/server.ts";
import { tokenIn } from "../capability/tokens.ts";
import type { Command, Run } from "../command.ts";
import { CliFailure, usageFailure } from "../failure.ts";

/** What is to be revoked, as the management API takes it. */
interface Revoked {
  readonly ids?: readonly string[];
  readonly jtis?: readonly string[];
  readonly expires_at?: number;
}

/** Ends tokens before they expire, whoever holds them. */
export const revoke: Command = {
  name: "revoke",
  summary: "End tokens before they expire: access tokens, delegations, or all that was made of a token",
  options: {
    ...remoteOptions,
    id: { kind: "list", value: "HEX", summary: "Normalized revocation ids of capability tokens" },
    jti: { kind: "list", value: "ID", summary: "Ids of access tokens" },
    "token-file": { kind: "text", value: "FILE", summary: "A file with the token itself; - is stdin" },
    subtree: { kind: "flag", summary: "Of that token also its origin, and everything that anybody made of it" },
    "expires-at": { kind: "text", value: "SECONDS", summary: "When the last of the tokens expires; a year from now" },
    reason: { kind: "text", summary: "For the audit trail" },
    ...publicKeyOptions,
  },
  examples: [
    "countersign revoke --token-file agent.token --public-key-file root.pem --reason 'laptop lost'",
    "countersign revoke --jti pUQ6yQ --expires-at 1900000700",
  ],
  async run(run) {
    const { given, print } = run;
    const file = given.text("token-file");
    const named = { ids: given.list("id") ?? [], jtis: given.list("jti") ?? [] };
    if ((file === undefined) === (named.ids.length + named.jtis.length === 0)) {
      throw usageFailure("it is not said what to revoke", "give --id or --jti, or --token-file");
    }
    const expiresAt = given.integer("expires-at");
    const wanted: Revoked = file === undefined ? named : await revocationsOf(run, file);
    const body = {
      ...wanted,
      ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
      ...(given.text("reason") === undefined ? {} : { reason: given.text("reason") }),
    };
    const response = await (await openApi(run)).send("POST", "/api/v1/revocations", body);
    const ended = [...(wanted.ids ?? []), ...(wanted.jtis ?? [])];
    const before = response.revoked === 0 ? ", as before" : "";
    print.done({ ...response, ended }, `revoked ${ended.length === 1 ? ended[0] : `${ended.length} ids`}${before}`);
  },
};

/** The token itself stays here: its ids are sent. */
async function revocationsOf(run: Run, file: string): Promise<Revoked> {
  const { token } = await tokenIn(run.world, file);
  return token.includes(".") ? ofJwt(token) : ofCapability(run, token);
}

function ofJwt(token: string): Revoked {
  try {
    const { jti, exp } = decodeJwt(token).claims;
    if (typeof jti !== "string") throw new CliFailure("the token has no jti, by which it could be revoked");
    return { jtis: [jti], ...(typeof exp === "number" ? { expires_at: Math.ceil(exp) } : {}) };
  } catch (error) {
    if (error instanceof TokenRefused) throw new CliFailure(`this is no token: ${error.message}`);
    throw error;
  }
}

/** Of the last block, which ends this token and what was made of it; of the first, which ends the whole tree. */
async function ofCapability(run: Run, token: string): Promise<Revoked> {
  const publicKey = await publicKeyOf(run, () => serverOf(run));
  const { normalizedRevocationIds, blocks } = await new LocalTokens({ publicKey, clock: run.world.clock }).inspectToken(
    token,
  );
  const at = run.given.flag("subtree") ? 0 : normalizedRevocationIds.length - 1;
  const id = normalizedRevocationIds[at];
  if (id === undefined) throw new CliFailure("the token has no blocks");
  // What is made of it later may live as long as the blocks up to here do.
  const ends = blocks.slice(0, at + 1).flatMap(({ expiresAt }) => (expiresAt === undefined ? [] : [expiresAt]));
  return { ids: [id], ...(ends.length === 0 ? {} : { expires_at: Math.ceil(Math.min(...ends) / 1000) }) };
}
