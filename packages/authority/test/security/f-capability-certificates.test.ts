import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ConfigInput } from "../../src/config.ts";
import { alice, certified, type SendOptions, stranger, world } from "../capability/world.ts";
import { type CertificateWishes, certificate } from "../node/certificates.ts";

const right = { resource: "orders", operation: "read" };
const dns = { capability: { san_dns: ["worker-*.internal.example"] } };

interface Row {
  readonly id: string;
  readonly wishes: Partial<CertificateWishes>;
  readonly trusted?: boolean;
  /** Who is issued a token; or why nobody is, as the log says it. */
  readonly expect: string | RegExp;
}

const rows: readonly Row[] = [
  { id: "F7 control: a URI", wishes: { uri: alice }, expect: alice },
  { id: "F7 a scheme in capitals", wishes: { uri: "URI:urn:test:argo-cli0" }, expect: "uri:urn:test:argo-cli0" },
  {
    id: "F7 a host name that is configured",
    wishes: { dnsName: "worker-1.internal.example" },
    expect: "worker-1.internal.example",
  },
  {
    id: "F7 a host name in capitals",
    wishes: { dnsName: "WORKER-1.Internal.Example" },
    expect: "worker-1.internal.example",
  },
  {
    id: "F7 a foreign authority",
    wishes: { uri: alice },
    trusted: false,
    expect: /not of an authority that is trusted/,
  },
  {
    id: "F7 expired",
    wishes: { uri: alice, to: Date.UTC(2021, 0, 1) },
    expect: /out of its dates, or not for clients/,
  },
  { id: "F7 not yet valid", wishes: { uri: alice, from: Date.UTC(2040, 0, 1) }, expect: /out of its dates/ },
  { id: "F7 for servers only", wishes: { uri: alice, use: "server" }, expect: /not for clients/ },
  { id: "F7 no alternative name", wishes: {}, expect: /has no URI/ },
  { id: "F7 the common name only", wishes: { name: alice }, expect: /has no URI/ },
  {
    id: "F7 a host name of another domain",
    wishes: { dnsName: "worker-1.internal.example.evil" },
    expect: /has no URI/,
  },
  { id: "F7 a star over more than a label", wishes: { dnsName: "worker-1.a.internal.example" }, expect: /has no URI/ },
  { id: "F7 nothing where the star stands", wishes: { dnsName: "worker-.internal.example" }, expect: /has no URI/ },
  { id: "F7 a wildcard certificate", wishes: { dnsName: "worker-*.internal.example" }, expect: /has no URI/ },
  { id: "F7 a NUL in the URI", wishes: { uri: `${alice}\0` }, expect: /is no identity/ },
  { id: "F7 two names in one by a comma", wishes: { uri: `urn:x, URI:${alice}` }, expect: /is no identity/ },
  { id: "F7 white space in the URI", wishes: { uri: `${alice} ` }, expect: /is no identity/ },
  { id: "F7 an empty part in the URI", wishes: { uri: `${alice}:` }, expect: /is no identity/ },
  {
    id: "F7 the PEM text of another client's certificate in an extension",
    wishes: { uri: `urn:example:mallory\n${certificate({ name: "any", uri: alice }).cert}` },
    expect: /is no identity/,
  },
  { id: "F7 a name of nobody", wishes: { uri: "urn:example:nobody" }, expect: /no rule allows it/ },
];

describe("Section F: certificates at the capability endpoints", () => {
  for (const { id, wishes, trusted = true, expect } of rows) {
    it(id, async () => {
      const w = await world(dns);
      const { status, body } = await w.send("/request_token", right, { from: certified(wishes, trusted) });
      const issued = w.authority.events.filter(({ name }) => name === "capability.issued");
      if (typeof expect === "string") {
        assert.equal(status, 201, JSON.stringify(body));
        assert.equal(issued[0]?.name === "capability.issued" && issued[0].fields.subject, expect);
      } else {
        assert.deepEqual([status, body.token, issued.length], [401, null, 0]);
        assert.match(w.refusal().detail ?? "", expect);
      }
      await w.authority.close();
    });
  }

  const nobody: readonly (readonly [string, SendOptions])[] = [
    ["no certificate", { from: stranger }],
    [
      "F8 headers of proxies that nobody trusts",
      { headers: { "client-cert": ":eA==:", "x-ssl-client-verify": "SUCCESS" } },
    ],
    ["a Basic header", { headers: { authorization: "Basic eDp5" } }],
  ];
  for (const [name, options] of nobody) {
    it(`refuses ${name}, and says in the log why`, async () => {
      const w = await world();
      const { status, headers, body } = await w.send("/request_token", right, options);
      assert.deepEqual([status, body.token], [401, null]);
      assert.match(headers.get("www-authenticate") ?? "", /^Bearer /);
      assert.match(w.refusal().detail ?? "", /no client certificate was presented|not URL-safe base64/);
    });
  }

  it("F8 takes the certificate of a client from a trusted proxy", async () => {
    const server: ConfigInput["server"] = { trusted_proxies: ["10.0.0.1"], client_certificate_header: "client-cert" };
    const w = await world({ server });
    const { certificate: shown } = certified({ uri: alice });
    const headers = {
      "x-forwarded-for": "198.51.100.7",
      "client-cert": `:${Buffer.from(shown?.der ?? []).toString("base64")}:`,
    };
    assert.equal((await w.send("/request_token", right, { from: { address: "10.0.0.1" }, headers })).status, 201);
    assert.equal((await w.send("/request_token", right, { from: { address: "10.0.0.2" }, headers })).status, 401);
  });
});
