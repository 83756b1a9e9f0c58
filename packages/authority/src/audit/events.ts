/**
 * What an authority tells about itself: one row per event, with the fields that may leave the process. The log, the
 * metrics and the audit trail are written from these fields alone, so nothing unlisted can leak. Fields are texts.
 */
export const eventTable = {
  "token.issued": {
    level: "info",
    fields: ["grant", "clientId", "jti", "scope"],
    optional: ["userId", "subject", "actor", "presented", "rule", "familyId", "deviceName", "address"],
  },
  "token.refused": {
    level: "info",
    fields: ["grant", "code"],
    optional: ["clientId", "rule", "detail", "address"],
  },
  "token.revoked": { level: "info", fields: ["clientId"], optional: ["jti", "familyId"] },
  "capability.issued": {
    level: "info",
    fields: ["kind", "subject", "revocationId"],
    optional: ["caller", "resource", "operation", "domain", "rule", "actor", "address"],
  },
  "capability.signed": {
    level: "info",
    fields: ["component", "subject", "resource", "operation", "revocationId"],
    optional: ["caller", "rule", "address"],
  },
  "capability.refused": {
    level: "info",
    fields: ["endpoint", "code", "detail"],
    optional: ["caller", "resource", "operation", "address"],
  },
  "family.opened": { level: "info", fields: ["familyId", "clientId", "userId", "grant"], optional: [] },
  "family.replayed": { level: "info", fields: ["familyId", "clientId"], optional: ["address"] },
  "family.reused": { level: "warn", fields: ["familyId", "clientId", "userId"], optional: ["address"] },
  "family.revoked": { level: "info", fields: ["familyId", "userId", "actor"], optional: [] },
  "user.registered": { level: "info", fields: ["userId", "actor"], optional: [] },
  "user.changed": { level: "info", fields: ["userId", "what", "actor"], optional: [] },
  "user.deleted": { level: "info", fields: ["userId", "actor"], optional: [] },
  "client.created": { level: "info", fields: ["clientId", "actor"], optional: [] },
  "client.changed": { level: "info", fields: ["clientId", "what", "actor"], optional: [] },
  "client.deleted": { level: "info", fields: ["clientId", "actor"], optional: [] },
  "invitation.created": { level: "info", fields: ["invitationId", "actor"], optional: [] },
  "key.rotated": { level: "info", fields: ["kid", "algorithm", "actor"], optional: [] },
  "key.imported": { level: "info", fields: ["kid", "algorithm", "actor"], optional: [] },
  "key.erased": { level: "info", fields: ["kid", "algorithm", "actor"], optional: [] },
  "key.rewrapped": { level: "info", fields: ["keyEncryptionKey", "previous", "actor"], optional: [] },
  "evidence.renewed": { level: "info", fields: ["kid", "source"], optional: [] },
  "evidence.failed": { level: "warn", fields: ["kid", "source", "detail"], optional: [] },
  "policy.changed": {
    level: "info",
    fields: ["what", "revision", "previous", "actor"],
    optional: ["version", "hash"],
  },
  "revocation.added": { level: "info", fields: ["kind", "id", "actor"], optional: ["reason"] },
  "login.locked": { level: "warn", fields: ["clientId"], optional: ["userId", "address"] },
  "introspection.withheld": { level: "info", fields: ["clientId", "jti"], optional: [] },
  "issuer.unavailable": { level: "warn", fields: ["issuer", "detail"], optional: [] },
  "request.refused": { level: "info", fields: ["method", "route", "status", "code", "detail"], optional: ["address"] },
  "request.failed": { level: "error", fields: ["requestId", "method", "route", "detail"], optional: [] },
  "authority.started": { level: "info", fields: ["issuer"], optional: [] },
  "authority.unready": { level: "warn", fields: ["detail"], optional: [] },
  "authority.stopped": { level: "info", fields: ["issuer"], optional: [] },
} as const satisfies Record<string, EventRow>;

interface EventRow {
  /** How loud the log is about it. */
  readonly level: "info" | "warn" | "error";
  readonly fields: readonly string[];
  readonly optional: readonly string[];
}

/** The name of an event. */
export type EventName = keyof typeof eventTable;

/** The fields of each event. */
export type EventFields = {
  readonly [Name in EventName]: {
    readonly [Field in (typeof eventTable)[Name]["fields"][number]]: string;
  } & {
    readonly [Field in (typeof eventTable)[Name]["optional"][number]]?: string;
  };
};

/** One event, as observers and the audit trail get it. */
export type AuthorityEvent = {
  readonly [Name in EventName]: { readonly name: Name; readonly at: number; readonly fields: EventFields[Name] };
}[EventName];
