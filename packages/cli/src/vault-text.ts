import type { VaultSetting } from "./vault-setting.ts";

/** The one value that is an expression of Terraform and not a text. */
const reference = "vault_jwt_auth_backend.countersign.path";

/** Terraform for the hashicorp/vault provider. */
export function vaultTerraform(setting: VaultSetting): readonly string[] {
  const { mount, role, policies } = setting;
  const label = role.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_");
  return [
    'resource "vault_jwt_auth_backend" "countersign" {',
    ...attributes({
      path: mount,
      ...setting.source,
      bound_issuer: setting.bound_issuer,
      jwt_supported_algs: setting.algorithms,
    }),
    "}",
    "",
    `resource "vault_jwt_auth_backend_role" "${label}" {`,
    ...attributes({ backend: reference, role_name: role, ...roleOf(setting), token_policies: policies }),
    "}",
  ];
}

/** The same as commands of the vault program. */
export function vaultCommands(setting: VaultSetting): readonly string[] {
  const { mount, role, policies, source, clientId } = setting;
  return [
    // Every client's lines begin with these two: they say the same of each, so none takes from another.
    `vault auth enable -path=${quote(mount)} jwt || true # unless it is there already`,
    written(`auth/${mount}/config`, {
      ...source,
      bound_issuer: setting.bound_issuer,
      jwt_supported_algs: setting.algorithms,
    }),
    // A map such as bound_claims can be given only as JSON.
    `vault write auth/${mount}/role/${role} - <<'EOF'`,
    JSON.stringify({ ...roleOf(setting), token_policies: policies }, undefined, 2),
    "EOF",
    `vault write auth/${mount}/login role=${quote(role)} jwt="$(countersign token get --client-id ${quote(clientId)})"`,
  ];
}

type Value = string | readonly string[] | Readonly<Record<string, string>>;

function roleOf(setting: VaultSetting): Readonly<Record<string, Value>> {
  const { user_claim, bound_audiences, bound_subject, bound_claims } = setting;
  return {
    role_type: "jwt",
    user_claim,
    ...(bound_audiences === undefined ? {} : { bound_audiences }),
    ...(bound_subject === undefined ? {} : { bound_subject }),
    ...(bound_claims === undefined ? {} : { bound_claims }),
  };
}

function attributes(values: Readonly<Record<string, Value>>): readonly string[] {
  const widest = Math.max(...Object.keys(values).map((name) => name.length));
  return Object.entries(values).map(([name, value]) => `  ${name.padEnd(widest)} = ${hcl(value)}`);
}

function hcl(value: Value): string {
  if (value === reference) return reference;
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
