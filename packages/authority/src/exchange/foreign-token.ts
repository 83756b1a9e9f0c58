import { CountersignError, defined, type JsonObject, type JwtRules, sha256, verifyJwt } from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import type { ExchangePolicy } from "../policy/exchange.ts";
import type { IssuerEntry } from "../policy/exchange-document.ts";
import { type IssuerProfile, issuerProfiles } from "../policy/issuer-profiles.ts";
import type { Services } from "../services.ts";
import { keys } from "../store/keys.ts";
import type { Change } from "../store/store.ts";
import type { SentToken } from "./exchange-form.ts";
import { type PresentedToken, refusedAs, refusedToken } from "./presented.ts";

/** What tokens of trusted issuers are read with. */
export type ForeignTokenServices = Pick<Services, "config" | "clock" | "store" | "issuers">;

/** A token of a trusted issuer, and where that stands in the policy. */
export interface ForeignToken {
  readonly entry: IssuerEntry;
  readonly policy: ExchangePolicy;
  readonly caller: Caller;
  /** The grant by which it comes in. */
  readonly grant: IssuerProfile["grant"];
}

/**
 * Reads a token of a trusted issuer: its keys alone verify it, its profile says what it must be like.
 *
 * @throws {CountersignError} `invalid_request`
 */
export async function readForeignToken(
  sent: SentToken,
  { entry, policy, caller, grant }: ForeignToken,
  services: ForeignTokenServices,
): Promise<PresentedToken> {
  const profile: IssuerProfile = issuerProfiles[entry.profile];
  const refuse = (detail: string) => refusedToken(sent.role, `of ${entry.issuer}: ${detail}`);
  if (profile.grant !== grant) throw refuse(`tokens of the profile ${entry.profile} come in by ${profile.grant} alone`);
  if (grant === "token-exchange" && !profile.tokenTypes.some((type) => sent.type.endsWith(`:token-type:${type}`))) {
    throw refuse(`its tokens are sent as ${profile.tokenTypes.join(" or ")}, by the profile ${entry.profile}`);
  }
  const claims = await verified(sent, { entry, policy, caller }, services);
  checkAuthorizedParty(claims, entry, audiencesFor(entry, services), refuse);
  const { sub, exp } = claims;
  if (typeof sub !== "string" || typeof exp !== "number") throw refuse("it lacks sub or exp");
  const audience = [claims.aud].flat().filter((one) => typeof one === "string");
  return {
    role: sent.role,
    issuer: entry.issuer,
    subject: sub,
    audience,
    scopes: [],
    expiresAt: exp * 1000,
    claims,
    guards: await firstUse(sent, { entry, profile, claims }, services, refuse),
  };
}

async function verified(
  { role, text }: SentToken,
  { entry, policy, caller }: Pick<ForeignToken, "entry" | "policy" | "caller">,
  services: ForeignTokenServices,
): Promise<JsonObject> {
  const profile: IssuerProfile = issuerProfiles[entry.profile];
  const rules: JwtRules = {
    profile: profile.form,
    issuer: entry.issuer,
    audience: audiencesFor(entry, services),
    clock: services.clock,
    clockSkewMs: entry.clock_skew * 1000,
    maxLifetimeMs: (entry.max_lifetime ?? profile.maxLifetime) * 1000,
    requiredClaims: profile.required,
    keyHeaders: entry.key_headers,
    ...defined({ algorithms: entry.algorithms, certificateThumbprint: caller.certificateThumbprint }),
  };
  try {
    return (await verifyJwt(text, services.issuers.keysOf(entry, policy), rules)).claims;
  } catch (error) {
    throw explained(refusedAs(role, error), entry);
  }
}

/** A key in the header is what an operator can decide to pass over. */
function explained(error: unknown, { issuer }: IssuerEntry): unknown {
  if (!(error instanceof CountersignError)) return error;
  const mending = error.detail?.includes("key_in_header")
    ? '; to take its tokens by the configured keys alone, set key_headers = "ignore" for it'
    : "";
  const { code, message: hint, cause, retryAfterMs } = error;
  return new CountersignError(code, {
    hint,
    detail: `of ${issuer}: ${error.detail ?? ""}${mending}`,
    cause,
    ...defined({ retryAfterMs }),
  });
}

/** Who we are to an issuer: our issuer identifier, where it is not told another name */
function audiencesFor({ audiences }: IssuerEntry, { config }: Pick<Services, "config">): readonly string[] {
  return audiences ?? [config.issuer];
}

/** OpenID Connect Core section 3.1.3.7: an id token that was given to another party must name one that is expected. */
function checkAuthorizedParty(
  { azp, aud }: JsonObject,
  { authorized_parties: allowed, profile }: IssuerEntry,
  audiences: readonly string[],
  refuse: (detail: string) => CountersignError,
): void {
  if (profile !== "id-token") return;
  if (azp === undefined && Array.isArray(aud) && aud.length > 1) throw refuse("it has several audiences and no azp");
  if (azp !== undefined && !(allowed ?? audiences).some((party) => party === azp)) {
    throw refuse("its azp is none of authorized_parties");
  }
}

/** What makes a token good once: its id, or else what it says, as two signatures of one content are one token. */
async function firstUse(
  { text }: SentToken,
  {
    entry,
    profile,
    claims,
  }: { readonly entry: IssuerEntry; readonly profile: IssuerProfile; readonly claims: JsonObject },
  { store }: Pick<Services, "store">,
  refuse: (detail: string) => CountersignError,
): Promise<readonly Change[]> {
  if (!(entry.single_use ?? profile.singleUse)) return [];
  const { jti, exp } = claims;
  const id = typeof jti === "string" ? `jti ${jti}` : `content ${sha256(text.slice(0, text.lastIndexOf(".")))}`;
  const key = keys.presentedToken(entry.issuer, id);
  if ((await store.get(key)) !== undefined) throw refuse("it was used before");
  const expiresAt = Number(exp) * 1000 + entry.clock_skew * 1000;
  return [{ key, expectedVersion: 0, draft: { value: {}, expiresAt } }];
}
