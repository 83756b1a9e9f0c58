import type { TokenInspection } from "@countersign/protocol/capability";
import { originOf, parseServerAddress } from "./address.ts";
import { SdkError, type SdkErrorDetails } from "./errors.ts";
import type { LocalTokens } from "./local-tokens.ts";
import type { PendingSignoff, SignTokenResponse, TokenResponse } from "./responses.ts";

/** What signoffs are collected with. */
export interface SignoffPorts {
  /** Asks one service for its signoff. */
  readonly sign: (origin: string, token: string) => Promise<SignTokenResponse>;
  /** Looks at what came back, where the root key is known. */
  readonly tokens: LocalTokens;
}

function failed(component: string, cause: unknown): SdkError {
  const said = cause instanceof Error ? cause.message : "unknown";
  const status = cause instanceof SdkError && cause.status !== undefined ? { status: cause.status } : {};
  return new SdkError("signoff_failed", { detail: `${component}: ${said}`, cause, ...status });
}

function invalid(component: string, reason: string, details: SdkErrorDetails = {}): SdkError {
  return new SdkError("invalid_signoff_response", { ...details, detail: `${component}: ${reason}` });
}

/** A token goes on only as the one that was sent with blocks behind it, the signoff among them. */
function assertSigned(sent: TokenInspection, signed: TokenInspection, { component, publicKey }: PendingSignoff): void {
  if (!sent.revocationIds.every((id, block) => signed.revocationIds[block] === id)) {
    throw invalid(component, "the answer is another token than the one that was sent");
  }
  const parties = signed.kind === "authorization" ? signed.parties : [];
  const party = parties.find((other) => other.component === component && other.publicKey === publicKey);
  if (party?.isSigned !== true) throw invalid(component, "the token lacks the signoff by the key of the party");
}

async function check(sent: string, signed: string, party: PendingSignoff, tokens: LocalTokens): Promise<void> {
  const before = await tokens.inspectToken(sent);
  const after = await tokens.inspectToken(signed).catch((cause: unknown) => {
    throw invalid(party.component, "the answer is no token of the authority", { cause });
  });
  assertSigned(before, after, party);
}

async function signOffWith(token: string, party: PendingSignoff, { sign, tokens }: SignoffPorts): Promise<string> {
  const { component, authorizationService } = party;
  const response = await sign(originOf(parseServerAddress(authorizationService)), token).catch((error: unknown) => {
    throw failed(component, error);
  });
  const { signedToken, responseMsg } = response;
  if (signedToken === undefined) {
    throw invalid(component, `No signed token returned: ${responseMsg}`, { responseMsg });
  }
  if (tokens.canVerify) await check(token, signedToken, party, tokens);
  return signedToken;
}

async function assertComplete(token: string, tokens: LocalTokens): Promise<void> {
  const inspection = await tokens.inspectToken(token);
  const missing = inspection.kind === "authorization" ? inspection.parties.filter(({ isSigned }) => !isSigned) : [];
  if (missing.length > 0) throw new SdkError("incomplete_signoffs", { detail: `${missing.length} signoffs remaining` });
}

/**
 * Takes a token from party to party, each after the other, and gives the token that all have signed off.
 *
 * Where the root key is known, each response must be the token that was sent with the signoff by that party's key behind it,
 * and at the end no party may be missing.
 *
 * @throws {SdkError} `no_token`, `signoff_failed`, `invalid_signoff_response`, `incomplete_signoffs`
 */
export async function collect(response: TokenResponse, ports: SignoffPorts): Promise<string> {
  const { token: first, pendingSignoffs = [], responseMsg } = response;
  if (first === undefined) {
    throw new SdkError("no_token", { responseMsg, detail: `No initial token to collect signoffs for: ${responseMsg}` });
  }
  let token = first;
  for (const party of pendingSignoffs) token = await signOffWith(token, party, ports);
  if (ports.tokens.canVerify) await assertComplete(token, ports.tokens);
  return token;
}
