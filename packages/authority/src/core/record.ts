import { openFamily, rotateFamily } from "../grants/family.ts";
import { offlineAccess } from "../scope.ts";
import type { Services } from "../services.ts";
import type { Granted } from "./issue.ts";
import type { TokenPlan } from "./mint.ts";

/**
 * Writes what must be durable before the caller is told: the refresh family, then the audit record. Both wait in the
 * same commit. Resolves to the refresh token, when one is given.
 */
export async function record(granted: Granted, planned: TokenPlan, services: Services): Promise<string | undefined> {
  const refresh = await recordFamily(granted, services);
  const { request, caller, grounds, permission } = granted;
  await services.audit.record("token.issued", {
    grant: request.grantType,
    clientId: caller.client.clientId,
    jti: planned.jti,
    scope: permission.scopes.join(" "),
    ...(grounds.user === undefined ? {} : { userId: grounds.user.userId }),
    ...(refresh === undefined ? {} : { familyId: refresh.familyId, deviceName: refresh.deviceName }),
    ...(request.address === undefined ? {} : { address: request.address }),
  });
  return refresh?.token;
}

async function recordFamily({ request, caller, grounds, permission }: Granted, services: Services) {
  if (grounds.family !== undefined) return rotateFamily(grounds.family, caller.client, services);
  if (grounds.user === undefined || !permission.scopes.includes(offlineAccess)) return undefined;
  return openFamily({ user: grounds.user, client: caller.client, request, ...permission }, services);
}
