import { X509Certificate } from "node:crypto";
import type { TokenRequestOptions } from "./client-options.ts";
import type { ResolvedConfig } from "./config.ts";
import type { LocalCircumstances, LocalTokens } from "./local-tokens.ts";

/** Tells the tokens of several clients apart in one cache. */
export function clientIdOf({ mtlsCert }: ResolvedConfig): string {
  return mtlsCert === undefined ? "" : new X509Certificate(mtlsCert).fingerprint256;
}

/** The domain of a request, where there is one. */
export function domainOf({ domain }: TokenRequestOptions): { readonly domain?: string } {
  return domain === undefined ? {} : { domain };
}

/** What `/request_stub` is sent. */
export function stubMessage(
  target: string,
  resource: string,
  operation: string,
  key: string,
  seconds: number | undefined,
) {
  const message = { target_identity: target, resource, operation, prefix_attenuator_key: key };
  return seconds === undefined ? message : { ...message, duration: seconds };
}

/** A copy of an identity token that holds for five seconds, where this side can make one. */
export async function shortened(tokens: LocalTokens, token: string): Promise<string> {
  return tokens.canVerify ? tokens.narrowToken(token) : token;
}

/** The default of a chain that must be given. @throws {TypeError} always */
export function missingChain(): never {
  throw new TypeError("Cannot verify locally without a service chain");
}

/** Refuses to leave out what the authority would have to judge by. @throws {TypeError} */
export function assertPlain({ domain, prefix }: LocalCircumstances): void {
  if (domain === undefined && prefix === undefined) return;
  throw new TypeError("Cannot verify remotely with a domain or a prefix: the authority is not told of them");
}
