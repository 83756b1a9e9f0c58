import { apiPath, openApi, remoteOptions } from "../api.ts";
import { call } from "../call.ts";
import type { Command } from "../command.ts";
import { settingFor } from "../vault-setting.ts";
import { vaultCommands, vaultTerraform } from "../vault-text.ts";

/** What Vault's jwt auth method must be told to accept a client's tokens. */
export const vault: Command = {
  name: "vault",
  summary: "Print the Terraform and the vault write lines that accept a client's tokens",
  positionals: [{ name: "client", summary: "Its client id" }],
  options: {
    ...remoteOptions,
    mount: { kind: "text", value: "PATH", summary: "Where the auth method is mounted; jwt by default" },
    role: { kind: "text", value: "NAME", summary: "Name of the role; the client id by default" },
    policies: { kind: "list", value: "POLICY", summary: "Policies of the role; default by default" },
    jwks: { kind: "flag", summary: "Configure the JWKS URL in place of discovery" },
    "default-role": { kind: "flag", summary: "Make it the role of logins to this mount that name none" },
  },
  examples: ["countersign vault ci --policies kv-read"],
  async run(run) {
    const { given, print } = run;
    const clientId = given.required("client");
    const api = await openApi(run);
    const client = await api.get(apiPath`/api/v1/client/${clientId}`);
    const metadata = await call(`${api.url}/.well-known/oauth-authorization-server`);
    const setting = settingFor(client, metadata, {
      mount: given.text("mount") ?? "jwt",
      role: (given.text("role") ?? clientId).toLowerCase(),
      policies: given.list("policies") ?? ["default"],
      byKeys: given.flag("jwks"),
      isDefault: given.flag("default-role"),
    });
    print.data(setting, () => [...vaultTerraform(setting), "", ...vaultCommands(setting)]);
  },
};
