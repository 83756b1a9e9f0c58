/**
 * What a policy decides about, and the longest life of each in seconds unless the document says otherwise. The life of an
 * access token is the configuration's or the client's; a policy can only shorten it.
 */
export const kindTable = {
  /** A JWT with one scope. */
  access_token: { lifetime: 86_400, asks: "scope" },
  /** A capability token for one operation on one resource. */
  authorization: { lifetime: 300, asks: "operation" },
  /** Another's authorization token for one operation on one resource, countersigned. */
  signoff: { lifetime: 300, asks: "operation" },
  /** A token that says who somebody is. */
  identity: { lifetime: 3600, asks: "identity" },
} as const;

/** A kind of token. */
export type TokenKind = keyof typeof kindTable;

/** Every kind. */
export const tokenKinds = ["access_token", "authorization", "signoff", "identity"] as const satisfies TokenKind[];
