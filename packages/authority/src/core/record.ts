import { type GivenRefresh, openFamily, rotateFamily } from "../grants/family.ts";
import type { PresentedFamily } from "../grants/grant.ts";
import { offlineAccess } from "../scope.ts";
import type { Services } from "../services.ts";
import type { Granted } from "./issue.ts";
import type { TokenPlan } from "./mint.ts";

/**
 * Writes what must be durable before the caller is told: the refresh family and the audit record. Resolves to the
 * refresh token, when one is given.
 */
export async function record(granted: Granted, planned: TokenPlan, services: Services): Promise<string | undefined> {
  const { grounds, caller, request, permission } = granted;
  if (grounds.family !== undefined) return recordRotation(grounds.family, granted, planned, services);
  const lasts = permission.scopes.includes(offlineAccess) ? grounds.user : undefined;
  const opened = lasts && (await openFamily({ user: lasts, client: caller.client, request, ...permission }, services));
  await recordIssued(granted, planned, opened, services);
  return opened?.token;
}

/**
 * Both writes wait in the same commit. When a racing request was first, the trail says that this token was withdrawn:
 * nobody ever got it.
 */
async function recordRotation(family: PresentedFamily, granted: Granted, planned: TokenPlan, services: Services) {
  const { client } = granted.caller;
  const [rotated, recorded] = await Promise.allSettled([
    rotateFamily(family, client, services),
    recordIssued(granted, planned, family.record, services),
  ]);
  if (rotated.status === "rejected") {
    const { familyId, clientId } = family.record;
    if (recorded.status === "fulfilled")
      await services.audit.record("token.withdrawn", { clientId, jti: planned.jti, familyId });
    throw rotated.reason;
  }
  if (recorded.status === "rejected") throw recorded.reason;
  return rotated.value.token;
}

function recordIssued(
  { request, caller, grounds, permission }: Granted,
  { jti }: TokenPlan,
  family: Pick<GivenRefresh, "familyId" | "deviceName"> | undefined,
  services: Services,
): Promise<void> {
  return services.audit.record("token.issued", {
    grant: request.grantType,
    clientId: caller.client.clientId,
    jti,
    scope: permission.scopes.join(" "),
    ...(grounds.user === undefined ? {} : { userId: grounds.user.userId }),
    ...(family === undefined ? {} : { familyId: family.familyId, deviceName: family.deviceName }),
    ...(request.address === undefined ? {} : { address: request.address }),
  });
}
