import type { ActorClaim, JsonObject } from "@countersign/protocol";
import type { EventFields } from "../audit/events.ts";
import type { Caller } from "../caller.ts";
import type { Services } from "../services.ts";
import type { ClientRecord, UserRecord } from "../store/records.ts";
import type { Change } from "../store/store.ts";

/** What the token endpoint understood of a request, free of HTTP. */
export interface GrantRequest {
  readonly grantType: string;
  /** Parameters of the form (RFC 6749 appendix B): each at most once, empty ones omitted (section 3.1). */
  readonly parameters: ReadonlyMap<string, string>;
  /** Parameters that may repeat: `resource` (RFC 8707 section 2) and `audience` (RFC 8693 section 2.1). */
  readonly targets: readonly string[];
  /** What a device calls itself when it does not say: its User-Agent. */
  readonly userAgent?: string;
  readonly address?: string;
}

/** What a token will say: as much as client, user, presented token and policy allow. */
export interface Permission {
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  /** The longest that the policy lets it live. @default as long as the client's tokens */
  readonly lifetimeMs?: number;
}

/** What the core commits together with the audit record of the token, and what comes of it. */
export interface Consumption {
  /** All or nothing: when one of their expectations is not met, the grant is asked anew. */
  readonly changes: readonly Change[];
  /** Optional fields of `token.issued`, beside those of every token. */
  readonly fields?: Partial<EventFields["token.issued"]>;
  /** Called once it is committed: an event for the log and the metrics, beside the audit record. */
  readonly tell?: () => void;
  /** The refresh token that is given with the access token. */
  readonly refreshToken?: string;
}

/** Whom a token is about, where that is neither a user nor the client that asks for it. */
export interface TokenSubject {
  /** Becomes `sub`. Of somebody whom another issuer vouches for it is no id of ours: those of users and clients never look so. */
  readonly id: string;
  /** The client that it is; absent for whom another issuer vouches. */
  readonly client?: ClientRecord;
}

/** The audiences that a request may ask for, and those that it gets without asking. */
export interface Targets {
  readonly allowed: readonly string[];
  readonly byDefault: readonly string[];
}

/** A token that is no JWT access token. */
export interface Given {
  readonly token: string;
  readonly lifetimeMs: number;
  /** Its type (RFC 8693 section 3). */
  readonly tokenType: string;
}

/** Whose authorization a token rests on, and how far it goes (RFC 6749 section 1.3). */
export interface Authorization {
  /** The resource owner; absent when the client acts for itself (RFC 6749 section 4.4). */
  readonly user?: UserRecord;
  /** Whom the token is about, when it is neither a user nor the client itself. */
  readonly subject?: TokenSubject;
  /** Who acts for the subject (RFC 8693 section 4.1). */
  readonly actor?: ActorClaim;
  /** Who alone may act for the subject from here on (RFC 8693 section 4.4). */
  readonly mayAct?: JsonObject;
  /** Sets of scopes, each an upper bound beside the client's own. */
  readonly scopeLimits: readonly (readonly string[])[];
  /** What is granted when no scope is asked for. */
  readonly defaultScopes: readonly string[];
  /** Audiences that were granted before, and are kept where none is asked for (RFC 8707 section 2.2). */
  readonly audience?: readonly string[];
  /** Audiences in place of those of the client. @default the client's */
  readonly targets?: Targets;
  /** When the token ends at the latest, in milliseconds since the epoch. @default by the settings of the client */
  readonly expiresAt?: number;
  /** The longest life of the token. @default by the settings of the client */
  readonly maxLifetimeMs?: number;
  /** The kind of token that is given, where the response must say so (RFC 8693 section 2.2.1). */
  readonly issuedTokenType?: string;
  /** What must be committed for the token. Asked once nothing can refuse the request any more. @default nothing */
  readonly consume?: (permission: Permission) => Consumption;
  /** Gives another token in place of a JWT access token, and records it. */
  readonly give?: (permission: Permission) => Promise<Given>;
}

/** What grants work with, each with the slice that it needs. */
export type GrantServices = Omit<Services, "limits" | "passwords" | "metrics" | "lifecycle" | "clientCertificates">;

/** One way to get a token (RFC 6749 section 1.3), one file each. */
export interface Grant {
  /** The `grant_type` of a request. */
  readonly type: string;
  /** Whether only clients that authenticate may use it. */
  readonly confidentialOnly: boolean;
  /** The parameters of the form that it reads, and what each is, for the OpenAPI document. */
  readonly parameters: Readonly<Record<string, string>>;
  /**
   * Checks what was presented. Changes nothing: what the token uses up is committed by way of `consume`.
   *
   * @throws {CountersignError} as RFC 6749 section 5.2 names the refusals.
   */
  authorize(request: GrantRequest, caller: Caller, services: GrantServices): Promise<Authorization>;
}
