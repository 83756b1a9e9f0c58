import type { Caller } from "../caller.ts";
import type { Services } from "../services.ts";
import type { GrantType, UserRecord } from "../store/records.ts";
import type { Change } from "../store/store.ts";

/** What a face understood of a token request, free of HTTP. */
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

/** What a grant has the core commit together with the audit record of the token, and what comes of it. */
export interface Consumption {
  /** All or nothing: when one of their expectations is not met, the grant is established anew. */
  readonly changes: readonly Change[];
  /** What the record of the token says beside the rest. */
  readonly recorded?: { readonly familyId: string; readonly deviceName: string };
  /** Called once it is committed, to tell more than the record. */
  readonly tell?: () => void;
  /** The refresh token that is given with the access token. */
  readonly refreshToken?: string;
}

/** On what grounds a token is given: whose, and how much at the most. */
export interface Grounds {
  /** The resource owner; absent when the client acts for itself (RFC 6749 section 4.4). */
  readonly user?: UserRecord;
  /** Sets of scopes, each an upper bound beside the client's own. */
  readonly ceilings: readonly (readonly string[])[];
  /** What is granted when no scope is asked for. */
  readonly defaultScopes: readonly string[];
  /** Audiences that were granted before, and are kept where none is asked for (RFC 8707 section 2.2). */
  readonly audience?: readonly string[];
  /** What must be consumed for the token, once nothing can refuse it any more. @default nothing; a login may begin */
  readonly consume?: () => Consumption;
}

/** One way to get a token: RFC 6749 section 4, one file each. */
export interface Grant {
  readonly type: GrantType;
  /** Whether only clients that authenticate may use it. */
  readonly confidentialOnly: boolean;
  /** Checks what was presented. Changes nothing that a refusal later in the walk would have to undo. */
  establish(request: GrantRequest, caller: Caller, services: Services): Promise<Grounds>;
}
