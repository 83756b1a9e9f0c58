import { CountersignError, defined } from "@countersign/protocol";
import { inForce, readAccessToken } from "../../core/access-token.ts";
import { thumbprintOf } from "../../core/client-certificate.ts";
import { SUPERUSER } from "../../values/scope.ts";
import type { Call } from "../route.ts";

/** Whose token opened the management API. */
export interface Actor {
  /** Absent when a client acts for itself. */
  readonly userId?: string;
  readonly clientId: string;
  readonly isSuperuser: boolean;
  /** Who stands in the audit trail: the user, or else the client. */
  readonly name: string;
}

/** A Bearer token (RFC 6750 section 2.1), or the token alone, as the examples of the older service send it. */
const AUTHORIZATION_SHAPE = /^(?:bearer +)?([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;

/**
 * Reads the access token of a management request. It must be meant for this authority, in force, shown over the
 * certificate it is bound to, and, when its client is a loopback client, shown over loopback.
 *
 * @throws {CountersignError} `invalid_token`
 */
export async function actorOf({ request, peer, services }: Call): Promise<Actor> {
  const text = AUTHORIZATION_SHAPE.exec(request.headers.get("authorization") ?? "")?.[1];
  if (text === undefined) throw refuse("no token in the Authorization header");
  const token = await readAccessToken(text, services);
  if (!token.audience.includes(services.config.issuer))
    throw refuse(`a token for ${token.audience.join(" ") || "nobody"} is not one for ${services.config.issuer}`);
  const standing = await inForce(token, services);
  if (standing === undefined) throw refuse("revoked, or its user or client is gone");
  const bound = token.certificateThumbprint;
  if (bound !== undefined && (peer.certificate === undefined || thumbprintOf(peer.certificate.der) !== bound)) {
    throw refuse("bound to another certificate");
  }
  if (standing.client.loopback && !peer.loopback) throw refuse("token of a loopback client used from elsewhere");
  return {
    ...defined({ userId: token.userId }),
    clientId: token.clientId,
    isSuperuser: standing.scopes.includes(SUPERUSER),
    name: token.subject,
  };
}

/** @throws {CountersignError} `insufficient_scope` unless the token has the scope `superuser`, and its user still has. */
export function requireSuperuser(actor: Actor): void {
  if (!actor.isSuperuser) throw insufficient(`${actor.name} has no superuser, or did not ask for it by name`);
}

/**
 * @throws {CountersignError} `insufficient_scope` unless the token is the user's own or a superuser's; the same whether
 * the user exists or not.
 */
export function requireSelf(actor: Actor, userId: string | undefined): void {
  if (!actor.isSuperuser && (userId === undefined || actor.userId !== userId)) {
    throw insufficient(`${actor.name} is neither that user nor superuser`);
  }
}

function insufficient(detail: string): CountersignError {
  return new CountersignError("insufficient_scope", { detail });
}

function refuse(detail: string): CountersignError {
  return new CountersignError("invalid_token", { detail });
}
