import type { EndpointResponse } from "./api.ts";

/** A party that has yet to sign off, and where it does. */
export interface PendingSignoff {
  /** The name of the party, as the token has it. */
  readonly component: string;
  /** Host and port of its service. */
  readonly authorizationService: string;
  /** Key text of the key that it signs with. */
  readonly publicKey: string;
}

/** What `/request_token` answers. */
export interface TokenResponse {
  /** What the authority says about it. */
  readonly responseMsg: string;
  /** Absent when it was refused. */
  readonly token?: string | undefined;
  /** Who has to sign the token off before it is good. */
  readonly pendingSignoffs?: readonly PendingSignoff[] | undefined;
}

/** What `/sign_token` answers. */
export interface SignTokenResponse {
  /** What the service says about it. */
  readonly responseMsg: string;
  /** Absent when it was refused. */
  readonly signedToken?: string | undefined;
}

/** What `/request_identity_token`, `/refresh_identity_token` and `/mint_identity_token` answer. */
export interface IdentityTokenResponse {
  /** What the authority says about it. */
  readonly responseMsg: string;
  /** Absent when it was refused. */
  readonly token?: string | undefined;
  /** Seconds. */
  readonly expiresIn?: number | undefined;
  /** Whom the token stands for. */
  readonly identity?: string | undefined;
}

/** What `/request_stub` answers. */
export interface StubTokenResponse {
  /** What the authority says about it. */
  readonly responseMsg: string;
  /** Good once the holder of the prefix key has added a prefix; absent when it was refused. */
  readonly token?: string | undefined;
  /** Seconds. */
  readonly expiresIn?: number | undefined;
  /** Whom the token is for. */
  readonly targetIdentity?: string | undefined;
  /** Key text of whoever has to add the prefix. */
  readonly prefixAttenuatorKey?: string | undefined;
}

/** What `/health` answers. */
export type HealthResponse = EndpointResponse<"/health">;

/** Who judged a token, and what was said. */
export interface TokenVerdict {
  /** `local`: here, with the configured public key. `remote`: by the authority. */
  readonly judged: "local" | "remote";
  /** What the authority says; absent when it was not asked. */
  readonly responseMsg?: string | undefined;
}
