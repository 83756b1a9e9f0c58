import { isScope, SUPERUSER } from "../values/scope.ts";

/** The scope by which a JWT stands for all that its subject may do with capability tokens. */
export const IDENTITY_SCOPE = "identity";

/** What one authorization token permits. */
export interface NamedRight {
  readonly resource: string;
  readonly operation: string;
}

/** The right that a scope names: `orders:read`, the operation behind the last colon. `undefined` for any other scope. */
export function rightNamed(scope: string): NamedRight | undefined {
  const colon = scope.lastIndexOf(":");
  if (colon < 1 || colon === scope.length - 1) return undefined;
  return { resource: scope.slice(0, colon), operation: scope.slice(colon + 1) };
}

/** The scope that names a right, and only that one; `undefined` where none can. */
export function scopeNaming({ resource, operation }: NamedRight): string | undefined {
  const scope = `${resource}:${operation}`;
  return !operation.includes(":") && isScope(scope) && scope !== SUPERUSER ? scope : undefined;
}
