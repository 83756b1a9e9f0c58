import type { Clock } from "@countersign/protocol";
import type { RevokedIds } from "@countersign/protocol/capability";
import type { CallOptions } from "./api.ts";
import type { LocalCircumstances } from "./local-tokens.ts";
import type { Transport } from "./transport/transport.ts";

/**
 * Who judges a token. `automatic`: this side when it has the public key, else the authority. `local-then-remote`: this side,
 * and the authority where the keys of this side may be old. `local` and `remote`: that side alone.
 */
export type VerificationMode = "automatic" | "local" | "remote" | "local-then-remote";

/** What a client is made with beside its configuration. */
export interface ClientOptions {
  /** How long a response is waited for. @default 30000 */
  readonly timeoutMs?: number | undefined;
  /** @default "automatic" */
  readonly verification?: VerificationMode | undefined;
  /** Revocation ids that were revoked, for what is judged here. @default none is */
  readonly revoked?: RevokedIds | undefined;
  /** @default the clock of this machine */
  readonly clock?: Clock | undefined;
  /** How requests travel. @default HTTP/1.1 or HTTP/2 of Node, as the configuration says */
  readonly transport?: Transport | undefined;
}

/** How a token is asked for. */
export interface TokenRequestOptions extends CallOptions {
  /** The domain in which the token will be used. @default none */
  readonly domain?: string | undefined;
}

/** How signoffs are collected. `timeoutMs` is for each of the services. */
export interface SignoffOptions extends CallOptions {
  /** How long all of it may take. @default 120000 */
  readonly totalTimeoutMs?: number | undefined;
}

/** How a token is verified. */
export interface VerifyTokenOptions extends CallOptions, LocalCircumstances {
  /** @default that of the client */
  readonly mode?: VerificationMode | undefined;
}

/** How a token that passed services is verified. */
export interface VerifyChainOptions extends CallOptions {
  /** The verifying service itself: those before it must have attested. @default all must have */
  readonly component?: string | undefined;
  /** @default that of the client */
  readonly mode?: VerificationMode | undefined;
}
