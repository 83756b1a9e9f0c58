import { customSource, type TokenSource } from "@countersign/token-keeper";
import { SdkError } from "./errors.ts";
import type { IdentityTokenResponse } from "./responses.ts";

/** How identity tokens are got. */
export interface IdentitySourceOptions {
  /** The authority, to tell tokens of several apart. */
  readonly issuer: string;
  /** Who asks, where several clients share a cache. */
  readonly clientId: string;
  /** What is refreshed; without one, each is asked for. @default none */
  readonly firstToken: string | undefined;
  /** Asks for one. */
  readonly request: (signal: AbortSignal) => Promise<IdentityTokenResponse>;
  /** Exchanges one for a fresh one. */
  readonly refresh: (token: string, signal: AbortSignal) => Promise<IdentityTokenResponse>;
}

/** Identity tokens as `@countersign/token-keeper` keeps them fresh. */
export function identitySource(options: IdentitySourceOptions): TokenSource {
  const { issuer, clientId, request, refresh } = options;
  let current = options.firstToken;
  return customSource(
    async ({ signal }) => {
      const { token, expiresIn, responseMsg } = await (current === undefined
        ? request(signal)
        : refresh(current, signal));
      if (token === undefined || expiresIn === undefined) {
        throw new SdkError("no_token", { responseMsg, detail: responseMsg });
      }
      if (current !== undefined) current = token;
      return { accessToken: token, expiresInMs: expiresIn * 1000 };
    },
    // The client has a time-out of its own.
    { identity: { issuer, clientId, grant: "identity_token" }, timeoutMs: 600_000 },
  );
}
