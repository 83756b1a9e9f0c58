import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { KeyPair } from "@countersign/biscuit";
import { type TestResource, testAuthority } from "./support/authority.ts";
import { alice, testTls } from "./support/tls.ts";

const tls = testTls();
const [gateway, orders, finance, risk] = await Promise.all(Array.from({ length: 4 }, () => KeyPair.generate()));
assert.ok(gateway && orders && finance && risk);

const services: { readonly address: string; close(): unknown }[] = [];
after(() => Promise.all(services.map((service) => service.close())));

const party = (component: string, { publicKey }: KeyPair, place: number) => {
  return { component, publicKey, at: (): string => services[place]?.address ?? "" };
};
const chain = [
  { component: "gateway", publicKey: gateway.publicKey },
  { component: "orders", publicKey: orders.publicKey },
];
const resources: Record<string, TestResource> = {
  invoices: { may: [[alice, "read"]] },
  orders: { may: [[alice, "read"]], serviceChain: chain },
  payments: { may: [[alice, "pay"]], parties: [party("finance", finance, 1), party("risk", risk, 2)] },
};

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** The examples of the page as one program, with what they say that they print. */
function program() {
  const text = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  const examples = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) => code).join("\n");
  const expected = [...examples.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, value = ""]) => value);
  const code = examples.replace(
    /from "([@a-z][^"]*)"/g,
    (_, name) => `from ${JSON.stringify(import.meta.resolve(name))}`,
  );
  return {
    expected,
    code: `export const printed = [];\nconst console = { log: (v) => printed.push(String(v)) };\n${code}`,
  };
}

describe("the examples of the README", () => {
  it("run and print what they say", async () => {
    const authority = await testAuthority({ tls, resources });
    const rootKey = authority.root;
    services.push(
      authority,
      await testAuthority({ tls, signsAs: { component: "finance", key: finance, rootKey } }),
      await testAuthority({ tls, signsAs: { component: "risk", key: risk, rootKey } }),
    );
    Object.assign(process.env, {
      COUNTERSIGN_BASE_URL: authority.address,
      COUNTERSIGN_SERVER_CA: base64(tls.ca),
      COUNTERSIGN_MTLS_CERT: base64(tls.client.cert),
      COUNTERSIGN_MTLS_KEY: base64(tls.client.key),
      COUNTERSIGN_PERSONAL_KEYPAIR: base64(gateway.privateKey.revealPem()),
      ORDERS_CHAIN: JSON.stringify(
        chain.map((node) => ({ component: node.component, public_key: `${node.publicKey}` })),
      ),
    });
    const { code, expected } = program();
    assert.equal(expected.length, 7);
    const { printed } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
    assert.deepEqual(printed, expected);
  });
});
