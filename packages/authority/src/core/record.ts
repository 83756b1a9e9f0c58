import type { EventDraft } from "../audit/trail.ts";
import { openFamily } from "../grants/family.ts";
import type { Consumption } from "../grants/grant.ts";
import type { Services } from "../services.ts";
import { offlineAccess } from "../values/scope.ts";
import type { Granted } from "./issue.ts";
import type { TokenPlan } from "./mint.ts";

/** A racing request was first; the walk starts again from what the store holds now. */
export class LostRace extends Error {
  override readonly name = "LostRace";
}

/**
 * Commits what must be durable before the caller is told: what the grant consumes and the audit record, all or nothing.
 * Resolves to the refresh token, when one is given.
 *
 * @throws {LostRace} when something that the grant relies on was changed meanwhile; then nothing is.
 */
export async function record(granted: Granted, planned: TokenPlan, services: Services): Promise<string | undefined> {
  const consumed = granted.grounds.consume?.() ?? beginLogin(granted, services);
  const { failed } = await services.audit.commit(consumed.changes, [issuedEvent(granted, planned, consumed)]);
  if (failed !== undefined) throw new LostRace();
  consumed.tell?.();
  return consumed.refreshToken;
}

/** A login begins where the user's token has the scope for one. */
function beginLogin({ grounds, caller, request, permission }: Granted, services: Services): Consumption {
  if (grounds.user === undefined || !permission.scopes.includes(offlineAccess)) return nothing;
  return openFamily({ user: grounds.user, client: caller.client, request, ...permission }, services);
}

const nothing: Consumption = { changes: [] };

function issuedEvent(
  { request, caller, grounds, permission }: Granted,
  { jti }: TokenPlan,
  { recorded }: Consumption,
): EventDraft {
  return {
    name: "token.issued",
    fields: {
      grant: request.grantType,
      clientId: caller.client.clientId,
      jti,
      scope: permission.scopes.join(" "),
      ...(grounds.user === undefined ? {} : { userId: grounds.user.userId }),
      ...(recorded === undefined ? {} : { familyId: recorded.familyId, deviceName: recorded.deviceName }),
      ...(request.address === undefined ? {} : { address: request.address }),
    },
  };
}
