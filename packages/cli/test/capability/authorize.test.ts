import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { KeyPair } from "@countersign/biscuit";
import { type TestResource, testAuthority } from "../../../sdk/test/support/authority.ts";
import { aHome, alice, someTls } from "./support.ts";

const tls = someTls();
const [gateway, orders, finance] = [await KeyPair.generate(), await KeyPair.generate(), await KeyPair.generate()];
const chain = [
  { component: "gateway", publicKey: gateway.publicKey.toString() },
  { component: "orders", publicKey: orders.publicKey.toString() },
];
const services: { readonly address: string; close(): unknown }[] = [];
const resources: Record<string, TestResource> = {
  invoices: {
    may: [
      [alice, "read"],
      [`${alice}:laptop`, "read"],
    ],
  },
  orders: { may: [[alice, "read"]], serviceChain: chain },
  payments: {
    may: [[alice, "pay"]],
    parties: [{ component: "finance", publicKey: finance.publicKey, at: () => services[1]?.address ?? "" }],
  },
};
const authority = await testAuthority({ tls, resources });
services.push(
  authority,
  await testAuthority({ tls, signsAs: { component: "finance", key: finance, rootKey: authority.root } }),
);
const files = {
  "ca.crt": tls.ca,
  "me.crt": tls.client.cert,
  "me.key": tls.client.key,
  "gateway.pem": gateway.privateKey.revealPem(),
  "finance.pem": finance.privateKey.revealPem(),
  "chain.json": JSON.stringify(chain.map(({ component, publicKey }) => ({ component, public_key: publicKey }))),
};
const homes: { remove(): void }[] = [];
after(async () => {
  await Promise.all(services.map((service) => service.close()));
  for (const home of homes) home.remove();
});

async function authenticated() {
  const home = aHome(files);
  homes.push(home);
  const paths = ["--ca", home.at("ca.crt"), "--cert", home.at("me.crt"), "--key", home.at("me.key")];
  await home.json(["identity", "authenticate", "-s", authority.address, ...paths]);
  return home;
}

describe("countersign authorize", () => {
  it("asks with the saved identity token, and verifies what it gets", async () => {
    const home = await authenticated();
    const { said } = await home.json(["authorize", "request", "-r", "invoices", "-o", "read"]);
    const { token, ...rest } = said;
    const expected = { success: true, resource: "invoices", operation: "read", response_msg: "Token issued" };
    assert.deepEqual(rest, { ...expected, pending_signoffs: [] });
    assert.ok((authority.seen.at(-1)?.bearer ?? "") !== "", "the identity token, and not the certificate");
    const asked = ["-s", alice, "-r", "invoices", "-o"];
    const verified = await home.json(["authorize", "verify", ...asked, "read"], `${token}\n`);
    assert.deepEqual(verified.said, {
      success: true,
      subject: alice,
      resource: "invoices",
      operation: "read",
      message: "Token is valid",
    });
    const denied = await home.json(["authorize", "verify", ...asked, "write", "--token", token]);
    assert.deepEqual([denied.exitCode, denied.said.success, denied.said.operation], [1, false, "write"]);
    const none = await home.json(["authorize", "verify", ...asked, "read"]);
    assert.match(none.said.error, /no token/);
  });

  it("asks for a delegate, and with the certificate where that is given", async () => {
    const home = await authenticated();
    await home.cli(["identity", "delegate", "-i", `${alice}:laptop`, "--save-as", "laptop"]);
    const request = ["authorize", "request", "-r", "invoices", "-o", "read", "--token-only"];
    const { stdout } = await home.cli([...request, "-i", "laptop"]);
    const verify = ["authorize", "verify", "-s", `${alice}:laptop`, "-r", "invoices", "-o", "read"];
    assert.equal((await home.cli(verify, stdout)).exitCode, 0);
    const certified = await home.cli([...request, "--cert", home.at("me.crt"), "--key", home.at("me.key")]);
    assert.match(certified.stdout, /^[\w-]+=*$/);
    assert.equal(authority.seen.at(-1)?.bearer, undefined);
  });

  it("says what was refused", async () => {
    const home = await authenticated();
    const { exitCode, said } = await home.json(["authorize", "request", "-r", "nothing", "-o", "read"]);
    assert.deepEqual([exitCode, said.success, said.resource, said.operation], [1, false, "nothing", "read"]);
    assert.match(said.error, /Unauthorized or unknown resource: nothing/);
  });

  it("attests, and judges a chain up to a component", async () => {
    const home = await authenticated();
    const { stdout: token } = await home.cli(["authorize", "request", "-r", "orders", "-o", "read", "--token-only"]);
    const verify = [
      "authorize",
      "verify",
      "-s",
      alice,
      "-r",
      "orders",
      "-o",
      "read",
      "--chain-file",
      home.at("chain.json"),
    ];
    assert.equal((await home.cli([...verify, "--component", "gateway"], token)).exitCode, 0);
    assert.equal((await home.cli([...verify, "--component", "orders"], token)).exitCode, 1);
    const attest = ["authorize", "attest", "-r", "orders", "--signing-key", home.at("gateway.pem"), "--token-only"];
    const { stdout: attested } = await home.cli(attest, token);
    assert.equal((await home.cli([...verify, "--component", "orders"], attested)).exitCode, 0);
    assert.equal((await home.cli(verify, attested)).exitCode, 1);
  });

  it("signs off: with a key, at an authority, or wherever it has to be", async () => {
    const home = await authenticated();
    const request = ["authorize", "request", "-r", "payments", "-o", "pay"];
    const { said } = await home.json(request);
    assert.deepEqual(said.pending_signoffs, [
      {
        component: "finance",
        authorization_service: services[1]?.address,
        public_key: finance.publicKey.toString(),
      },
    ]);
    const verify = async (token: string) =>
      (await home.cli(["authorize", "verify", "-s", alice, "-r", "payments", "-o", "pay"], token)).exitCode;
    assert.equal(await verify(said.token), 1);
    const sign = ["authorize", "sign", "--token-only"];
    const here = await home.cli(
      [...sign, "--component", "finance", "--signing-key", home.at("finance.pem")],
      said.token,
    );
    assert.equal(await verify(here.stdout), 0);
    const paths = ["--ca", home.at("ca.crt"), "--cert", home.at("me.crt"), "--key", home.at("me.key")];
    const at = ["-s", services[1]?.address ?? "", "-r", "payments", "-o", "pay"];
    const there = await home.cli([...sign, ...at, ...paths], said.token);
    assert.equal(await verify(there.stdout), 0);
    const collected = await home.json([...request, "--collect-signoffs"]);
    assert.deepEqual([await verify(collected.said.token), collected.said.pending_signoffs], [0, []]);
    const half = await home.cli([...sign, "--component", "finance"], said.token);
    assert.deepEqual([half.exitCode, half.stdout], [2, ""]);
  });
});

describe("countersign keys generate", () => {
  it("writes a private key for its user alone, tells the public one, and overwrites nothing", async () => {
    const home = aHome();
    homes.push(home);
    for (const [curve, form] of [
      ["ed25519", /^ed25519\/[0-9a-f]{64}$/],
      ["secp256r1", /^secp256r1\/[0-9a-f]{66}$/],
    ] as const) {
      const file = home.at(`${curve}.pem`);
      const { said } = await home.json(["keys", "generate", file, "--curve", curve]);
      assert.match(said.public_key, form);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.equal((await home.cli(["keys", "generate", file])).exitCode, 2);
    }
  });
});

describe("countersign tls init", () => {
  it("makes what is not there yet, and says so", async () => {
    const home = aHome();
    homes.push(home);
    const folder = home.at("tls");
    const init = ["tls", "init", folder, "--client"];
    const first = await home.json([...init, "urn:example:alice,shop=urn:example:store"]);
    assert.deepEqual(
      first.said.certificates.map(({ name, names, made }: Record<string, unknown>) => [name, names, made]),
      [
        ["ca", [], true],
        ["server", ["localhost", "127.0.0.1", "::1"], true],
        ["alice", ["urn:example:alice"], true],
        ["shop", ["urn:example:store"], true],
      ],
    );
    assert.equal(statSync(`${folder}/ca.key`).mode & 0o777, 0o600);
    const second = await home.json([...init, "urn:example:bob"]);
    assert.deepEqual(
      second.said.certificates.map(({ name, made }: Record<string, unknown>) => [name, made]),
      [
        ["ca", false],
        ["server", false],
        ["bob", true],
      ],
    );
    writeFileSync(`${folder}/half.key`, "");
    for (const client of [
      "alice",
      "ca=urn:x:y",
      "urn:example:server",
      "a/b=urn:x",
      "half=urn:x:y",
      "urn:example:zoë",
    ]) {
      assert.equal((await home.cli([...init, client])).exitCode, 2, client);
    }
  });
});
