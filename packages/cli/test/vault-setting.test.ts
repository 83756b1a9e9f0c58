import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { settingFor } from "../src/vault-setting.ts";
import { vaultCommands, vaultTerraform } from "../src/vault-text.ts";

const issuer = "https://id.example.com";
const metadata = { issuer, jwks_uri: `${issuer}/.well-known/jwks.json` };

const clients = [
  { client_id: "first", grants: ["client_credentials"], audience: ["vault"] },
  { client_id: "second", grants: ["client_credentials"], access_token_signing_alg: "EdDSA" },
  { client_id: "third", grants: ["password"], access_token_signing_alg: "PS256", access_token_profile: "jwt" },
  {
    client_id: "fourth",
    grants: ["client_credentials"],
    access_token_profile: "plain",
    access_token_signing_alg: "RS256",
  },
];

function linesOf(client: (typeof clients)[number], isDefault = false) {
  const wishes = { mount: "jwt", role: client.client_id, policies: ["default"], byKeys: false, isDefault };
  const setting = settingFor(client, metadata, wishes);
  return { commands: vaultCommands(setting), terraform: vaultTerraform(setting) };
}

describe("countersign vault: what holds for the whole mount", () => {
  it("is the same for every client, so that the lines of one lock no other out", () => {
    const mounts = clients.map((client) => {
      const { commands, terraform } = linesOf(client);
      const role = commands.findIndex((line) => line.includes("/role/"));
      return [...commands.slice(0, role), ...terraform.slice(0, terraform.indexOf("}"))].join("\n");
    });
    assert.equal(new Set(mounts).size, 1);
    assert.match(mounts[0] ?? "", /jwt_supported_algs=ES256,EdDSA,RS256,PS256/);
    for (const { client_id } of clients) assert.ok(!mounts[0]?.includes(client_id));
  });

  it("keeps the default role that is there, unless another is asked for", () => {
    const kept = linesOf(clients[0] ?? assert.fail());
    assert.ok(
      kept.commands.includes('default_role="$(vault read -field=default_role auth/jwt/config 2>/dev/null || true)"'),
    );
    assert.doesNotMatch(kept.terraform.join("\n"), /^ *default_role +=/m);
    const asked = linesOf(clients[0] ?? assert.fail(), true);
    assert.ok(asked.commands.includes("default_role=first"));
    assert.match(asked.terraform.join("\n"), /default_role += "first"/);
  });
});
