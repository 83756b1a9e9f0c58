import type { Policy } from "./compile.ts";
import type { ExchangeRule } from "./exchange.ts";
import { OWN_ISSUER } from "./exchange-document.ts";
import type { UnratedFinding } from "./finding.ts";
import type { IssuerProfileName } from "./issuer-profiles.ts";

/** Claims that tell one customer of a platform from all others. */
const tenantClaims: Partial<Record<IssuerProfileName, readonly string[]>> = {
  "github-actions": ["sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "enterprise_id"],
  gitlab: ["sub", "project_id", "project_path", "namespace_id", "namespace_path"],
  google: ["sub", "email", "azp", "/google/compute_engine/project_id"],
};

/** Rules that any customer of a platform meets, and rules that another one before them meets for them. */
export function checkExchange({ exchange }: Policy): readonly UnratedFinding[] {
  return exchange.rules.flatMap((rule, at) => {
    const path = ["exchange", "rules", at];
    const named = tenantClaims[exchange.issuers.get(rule.issuer)?.profile ?? "jwt"];
    const isOpen = named !== undefined && !rule.claims.some(({ name }) => named.includes(name));
    const before = exchange.rules.slice(0, at).find((other) => covers(other, rule));
    const open = `is met by every customer of ${rule.issuer}: add one of the claims ${named?.slice(0, 3).join(", ")}`;
    const hidden = `never counts: every token that meets it meets ${before?.name} before: put it first, or remove it`;
    return [
      ...(isOpen ? [{ code: "open_to_all", at: rule.name, path, message: open } as const] : []),
      ...(before === undefined ? [] : [{ code: "never_matches", at: rule.name, path, message: hidden } as const]),
    ];
  });
}

/** Whether a rule asks for nothing that the other does not ask for, and gives all audiences that it gives. */
function covers(rule: ExchangeRule, other: ExchangeRule): boolean {
  if (rule.issuer !== other.issuer || rule.issuer === OWN_ISSUER) return false;
  const isUnbounded = rule.audiences === undefined && rule.clients === undefined && rule.claims.length === 0;
  return isUnbounded && other.gives.audiences.every((audience) => rule.gives.audiences.includes(audience));
}
