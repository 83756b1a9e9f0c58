import { defined } from "@countersign/protocol";
import type { VaultSetting } from "./vault-setting.ts";

/** The one value that is an expression of Terraform and not a text. */
const REFERENCE = "vault_jwt_auth_backend.countersign.path";

/**
 * Terraform for the hashicorp/vault provider. What is said of the mount is the same for every client of an authority, so
 * that the lines of one take nothing from another.
 */
export function vaultTerraform(setting: VaultSetting): readonly string[] {
  const { mount, role, policies, defaultRole } = setting;
  const label = role.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_");
  return [
    `# The whole mount ${mount}, once for all clients of this authority: it is the same for each of them. It owns the mount's`,
    "# configuration: a default_role that is set elsewhere goes, and tokens of another issuer are refused. For a mount that",
    "# takes those too, give countersign vault another one with --mount.",
    'resource "vault_jwt_auth_backend" "countersign" {',
    ...attributes({
      path: mount,
      ...setting.source,
      bound_issuer: setting.bound_issuer,
      jwt_supported_algs: setting.algorithms,
      ...defined({ default_role: defaultRole }),
    }),
    "}",
    "",
    "# This client alone; other roles stay as they are.",
    `resource "vault_jwt_auth_backend_role" "${label}" {`,
    ...attributes({ backend: REFERENCE, role_name: role, ...roleOf(setting), token_policies: policies }),
    "}",
  ];
}

/** The same as commands of the vault program. */
export function vaultCommands(setting: VaultSetting): readonly string[] {
  const { mount, role, policies, source, clientId, defaultRole } = setting;
  const config = `auth/${mount}/config`;
  return [
    `vault auth enable -path=${quote(mount)} jwt || true # unless it is there already`,
    `# This replaces the configuration of the whole mount ${mount}, by the same for every client of this authority. Tokens of`,
    "# another issuer are refused from then on: for a mount that takes those, give countersign vault another one with --mount.",
    ...defaultRoleLines(defaultRole, config),
    `${written(config, {
      ...source,
      bound_issuer: setting.bound_issuer,
      jwt_supported_algs: setting.algorithms,
    })} \\\n  default_role="$default_role"`,
    "# This client alone; other roles stay as they are.",
    // A map such as bound_claims can be given only as JSON.
    `vault write auth/${mount}/role/${role} - <<'EOF'`,
    JSON.stringify({ ...roleOf(setting), token_policies: policies }, undefined, 2),
    "EOF",
    `vault write auth/${mount}/login role=${quote(role)} jwt="$(countersign token get --client-id ${quote(clientId)})"`,
  ];
}

/** Vault forgets what a configuration does not name, and somebody may log in without naming a role. */
function defaultRoleLines(wanted: string | undefined, config: string): readonly string[] {
  if (wanted === undefined) {
    return [
      "# The default role of the mount stays what it is.",
      `default_role="$(vault read -field=default_role ${config} 2>/dev/null || true)"`,
    ];
  }
  return [
    "# Whoever logs in to this mount and names no role gets this one from now on.",
    `default_role=${quote(wanted)}`,
  ];
}

type Value = string | readonly string[] | Readonly<Record<string, string>>;

function roleOf(setting: VaultSetting): Readonly<Record<string, Value>> {
  const { user_claim, bound_audiences, bound_subject, bound_claims } = setting;
  return {
    role_type: "jwt",
    user_claim,
    ...defined({ bound_audiences, bound_subject, bound_claims }),
  };
}

function attributes(values: Readonly<Record<string, Value>>): readonly string[] {
  const widest = Math.max(...Object.keys(values).map((name) => name.length));
  return Object.entries(values).map(([name, value]) => `  ${name.padEnd(widest)} = ${hcl(value)}`);
}

function hcl(value: Value): string {
  if (value === REFERENCE) return REFERENCE;
  if (typeof value === "string") return hclText(value);
  if (isList(value)) return `[${value.map(hclText).join(", ")}]`;
  const pairs = Object.entries(value).map(([name, text]) => `${name} = ${hclText(text)}`);
  return `{ ${pairs.join(", ")} }`;
}

/** JSON's escapes are HCL's; a template would begin with a dollar or percent sign and a brace. */
function hclText(text: string): string {
  return JSON.stringify(text).replace(/[$%](?=\{)/g, "$&$&");
}

function written(path: string, values: Readonly<Record<string, string | readonly string[]>>): string {
  const words = Object.entries(values).map(([name, value]) => `  ${name}=${quote([value].flat().join(","))}`);
  return [`vault write ${path}`, ...words].join(" \\\n");
}

/** A word of a POSIX shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function isList(value: Value): value is readonly string[] {
  return Array.isArray(value);
}
