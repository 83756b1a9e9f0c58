import { defined } from "@countersign/protocol";
import type { EventDraft } from "../audit/trail.ts";
import type { Consumption } from "../grants/grant.ts";
import type { Services } from "../services.ts";
import type { AuthorizedRequest, UnsignedToken } from "./authorized-request.ts";

/** A racing request was first; the request starts again from what the store holds now. */
export class LostRace extends Error {
  override readonly name = "LostRace";
}

/**
 * Commits what must be durable before the caller is told: what the grant consumes and the audit record, all or nothing.
 * Resolves to the refresh token, when one is given.
 *
 * @throws {LostRace} when something that the grant relies on was changed meanwhile; then nothing is.
 */
export async function record(
  authorized: AuthorizedRequest,
  unsigned: UnsignedToken,
  { audit }: Pick<Services, "audit">,
): Promise<string | undefined> {
  const { authorization, permission } = authorized;
  const consumed = authorization.consume?.(permission) ?? nothing;
  const { failed } = await audit.commit(consumed.changes, [issuedEvent(authorized, unsigned, consumed)]);
  if (failed !== undefined) throw new LostRace();
  consumed.tell?.();
  return consumed.refreshToken;
}

const nothing: Consumption = { changes: [] };

function issuedEvent(
  { request, caller, authorization: { user, subject, actor }, permission }: AuthorizedRequest,
  { jti }: UnsignedToken,
  { fields }: Consumption,
): EventDraft {
  return {
    name: "token.issued",
    fields: {
      grant: request.grantType,
      clientId: caller.client.clientId,
      jti,
      scope: permission.scopes.join(" "),
      ...defined({ userId: user?.userId, subject: subject?.id, actor: actor && JSON.stringify(actor) }),
      ...fields,
      ...defined({ address: request.address }),
    },
  };
}
