/**
 * What an authority tells about itself: one row per event, with the fields that may leave the process. The log, the
 * metrics and the audit trail are written from these fields alone, so nothing unlisted can leak.
 */
export interface EventFields {
  readonly "token.issued": {
    readonly grant: string;
    readonly clientId: string;
    readonly userId?: string;
    readonly jti: string;
    readonly scope: string;
    readonly familyId?: string;
    readonly deviceName?: string;
    readonly address?: string;
  };
  readonly "token.refused": {
    readonly grant: string;
    readonly code: string;
    readonly clientId?: string;
    readonly userId?: string;
    readonly detail?: string;
    readonly address?: string;
  };
  readonly "token.revoked": { readonly clientId: string; readonly jti?: string; readonly familyId?: string };
  readonly "family.opened": {
    readonly familyId: string;
    readonly clientId: string;
    readonly userId: string;
    readonly grant: string;
  };
  readonly "family.replayed": { readonly familyId: string; readonly clientId: string; readonly address?: string };
  readonly "family.reused": {
    readonly familyId: string;
    readonly clientId: string;
    readonly userId: string;
    readonly address?: string;
  };
  readonly "family.revoked": { readonly familyId: string; readonly userId: string; readonly actor: string };
  readonly "user.registered": { readonly userId: string; readonly actor: string };
  readonly "user.changed": { readonly userId: string; readonly what: string; readonly actor: string };
  readonly "user.deleted": { readonly userId: string; readonly actor: string };
  readonly "client.created": { readonly clientId: string; readonly actor: string };
  readonly "client.changed": { readonly clientId: string; readonly what: string; readonly actor: string };
  readonly "client.deleted": { readonly clientId: string; readonly actor: string };
  readonly "invitation.created": { readonly invitationId: string; readonly actor: string };
  readonly "key.rotated": { readonly kid: string; readonly algorithm: string; readonly actor: string };
  readonly "key.imported": { readonly kid: string; readonly algorithm: string; readonly actor: string };
  readonly "key.erased": { readonly kid: string; readonly algorithm: string; readonly actor: string };
  readonly "login.locked": { readonly clientId: string; readonly address?: string };
  readonly "request.failed": {
    readonly requestId: string;
    readonly method: string;
    readonly route: string;
    readonly detail: string;
  };
  readonly "authority.started": { readonly issuer: string };
  readonly "authority.stopped": { readonly issuer: string };
}

/** The name of an event. */
export type EventName = keyof EventFields;

/** One event, as observers and the audit trail get it. */
export type AuthorityEvent = {
  readonly [Name in EventName]: { readonly name: Name; readonly at: number; readonly fields: EventFields[Name] };
}[EventName];
