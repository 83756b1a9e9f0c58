import { sha256 } from "@countersign/protocol";

/**
 * Every key of the store, in one place. The prefixes `U#`, `UN#` and `C#` are those of the single-table schema the
 * service's users know. A part that comes from outside is percent-encoded, so no name can reach into another prefix.
 */
export const keys = {
  /** A user's record. */
  user: (userId: string) => `U#${part(userId)}`,
  /** The claim of a user on a username (normalised). */
  username: (username: string) => `UN#${part(username)}`,
  /** A client's record. */
  client: (clientId: string) => `C#${part(clientId)}`,
  /** A refresh-token family. */
  family: (familyId: string) => `RTF#${part(familyId)}`,
  /** The ring of signing keys. */
  ring: () => "K#ring",
  /** An invitation to register, by the hash of its code. */
  invitation: (code: string) => `I#${sha256(code)}`,
  /** A client assertion that was used (RFC 7523 section 3, jti). */
  assertion: (clientId: string, jti: string) => `J#${part(clientId)}#${sha256(jti)}`,
  /** The policy that counts. */
  policy: () => "PO#current",
  /** One revision of the policy. */
  policyRevision: (revision: number) => `PO#${String(revision).padStart(12, "0")}`,
  /** A token of another issuer that is good once, and was presented. */
  presentedToken: (issuer: string, id: string) => `JP#${sha256(issuer)}#${sha256(id)}`,
  /** The newest sealed rules that were run. */
  rulesVersion: () => "RV#rules",
  /** The list of what is revoked. */
  revocationHead: () => "RL#head",
  /** One entry of the list of what is revoked. */
  revocation: (position: number) => `RL#${String(position).padStart(15, "0")}`,
  /** A revoked access token, until it would have expired. */
  revokedToken: (jti: string) => `RJ#${part(jti)}`,
  /** The state of a rate limit. */
  limit: (name: string, subject: string) => `L#${name}#${sha256(subject)}`,
  /** One audit record, by its position in a stream. */
  audit: (streamId: string, position: string) => `A#${streamId}#${position}`,
  /** A stream of audit records, which one process at a time writes to. */
  auditStream: (streamId: string) => `AS#${streamId}`,
  /** The state of the first start. */
  bootstrap: () => "B#admin",
  /** A commit that was made under an id, by which a repetition is recognised. */
  commit: (id: string) => `T#${part(id)}`,
  /** What is written to see whether the store takes writes again. */
  probe: () => "P#probe",
} as const;

/** How long a commit is known under its id. */
export const COMMIT_LIFE_MS = 600_000;

/** Owners under which items can be listed. */
export const owners = {
  users: () => "users",
  clients: () => "clients",
  invitations: () => "invitations",
  familiesOf: (userId: string) => `U#${part(userId)}`,
  policies: () => "policies",
  revocations: () => "revocations",
  auditStreams: () => "audit",
  auditStream: (streamId: string) => `A#${streamId}`,
} as const;

function part(text: string): string {
  return encodeURIComponent(text);
}
