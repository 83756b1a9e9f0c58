import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { Connection } from "../../src/caller.ts";
import type { ClientSettings } from "../../src/clients/client-settings.ts";
import type { ClientCertificateRule } from "../../src/store/records.ts";
import { readResponse, TEST_ISSUER, type TestResponse } from "../../src/testing.ts";
import { type CertificateWishes, certificate, type TestCertificate } from "../node/certificates.ts";
import { canary, type Scene, type SecurityRow, securityTable } from "./table.ts";

const refused = { status: 401, error: "invalid_client" };
const remote = "192.0.2.9";
const sanClient: Partial<ClientSettings> = {
  clientId: "mtls",
  authMethod: "tls_client_auth",
  certificate: { sanDns: "backend.example" },
};

/** What the TLS server says of a client that proved this certificate. */
function connection(presented: TestCertificate, trusted: boolean): Connection {
  return { address: remote, certificate: { der: new X509Certificate(presented.cert).raw, trusted } };
}

function post(scene: Scene, from: Connection, more: Readonly<Record<string, string>> = {}, headers = {}) {
  const fields = { grant_type: "client_credentials", client_id: "mtls", ...more };
  return scene.post(fields, { connection: from, headers });
}

interface Bound {
  readonly cnf?: { readonly "x5t#S256": string };
}

function claimsOf({ body }: TestResponse): Bound {
  return JSON.parse(Buffer.from(String(body.access_token).split(".")[1] ?? "", "base64url").toString());
}

interface Presented {
  readonly id: string;
  readonly name: string;
  readonly wishes: CertificateWishes;
  readonly trusted: boolean;
}

const good: CertificateWishes = { name: "any", dnsName: "backend.example" };

const wrongCertificates: readonly Presented[] = [
  { id: "F7", name: "a chain that is not trusted", wishes: good, trusted: false },
  { id: "F7", name: "expired", wishes: { ...good, to: Date.UTC(2021, 0, 1) }, trusted: true },
  { id: "F7", name: "not yet valid", wishes: { ...good, from: Date.UTC(2040, 0, 1) }, trusted: true },
  { id: "F7", name: "for servers only", wishes: { ...good, use: "server" }, trusted: true },
  { id: "F7", name: "another name", wishes: { ...good, dnsName: "other.example" }, trusted: true },
  { id: "F7", name: "a name that ends like it", wishes: { ...good, dnsName: "evil.backend.example" }, trusted: true },
  { id: "F7", name: "a wildcard over it", wishes: { ...good, dnsName: "*.example" }, trusted: true },
  { id: "F7", name: "the name in the common name only", wishes: { name: "backend.example" }, trusted: true },
  {
    id: "F7",
    name: "two names in one by a comma",
    wishes: { ...good, dnsName: "x, DNS:backend.example" },
    trusted: true,
  },
  {
    id: "F7",
    name: "the PEM text of another client's certificate in an extension",
    wishes: { name: "any", dnsName: "other.example", uri: `urn:x\n${certificate(good).cert}` },
    trusted: true,
  },
  { id: "F7", name: "a NUL in the name", wishes: { ...good, dnsName: "backend.example\0.evil" }, trusted: true },
];

const documentation = [0x20, 0x01, 0x0d, 0xb8, ...Array<number>(11).fill(0), 1];

/** Names that are written in more than one way, and one that only looks alike. */
const spellings: readonly (readonly [ClientCertificateRule, Partial<CertificateWishes>, SecurityRow["expect"]])[] = [
  [{ sanDns: "Backend.Example" }, { dnsName: "backend.example" }, { status: 200 }],
  [{ sanDns: "backend.example" }, { dnsName: "BACKEND.example" }, { status: 200 }],
  [{ sanDns: "backend.example" }, { dnsName: "backend.example", use: undefined }, { status: 200 }],
  [{ sanIp: "2001:db8::1" }, { ipAddress: documentation }, { status: 200 }],
  [{ sanIp: "2001:DB8:0::1" }, { ipAddress: documentation }, { status: 200 }],
  [{ sanIp: "10.0.0.9" }, { ipAddress: [10, 0, 0, 9] }, { status: 200 }],
  [{ sanIp: "2001:db8::2" }, { ipAddress: documentation }, refused],
  [{ sanIp: "10.0.0.9" }, { ipAddress: [...Array<number>(10).fill(0), 255, 255, 10, 0, 0, 9] }, refused],
  [{ sanIp: "10.0.0.9" }, { dnsName: "10.0.0.9" }, refused],
  [{ sanUri: "spiffe://shop/Cart" }, { uri: "spiffe://shop/Cart" }, { status: 200 }],
  [{ sanUri: "spiffe://shop/Cart" }, { uri: "spiffe://shop/cart" }, refused],
  [{ sanUri: "spiffe://shop/Cart" }, { uri: "abcdef://shop/Cart" }, refused],
  [{ sanEmail: "cart@shop.example" }, { email: "cart@shop.example" }, { status: 200 }],
  [{ sanEmail: "cart@shop.example" }, { email: "Cart@shop.example" }, refused],
];

const spoofed = {
  "x-client-cert": canary,
  "x-ssl-client-verify": "SUCCESS",
  "x-ssl-client-s-dn": "CN=backend.example",
  "client-cert": `:${Buffer.from(canary).toString("base64")}:`,
  "x-forwarded-client-cert": "DNS=backend.example",
};

/** A client registered with its own certificate (RFC 8705 section 2.2). */
function selfSigned({ cert }: TestCertificate): Partial<ClientSettings> {
  const x509 = new X509Certificate(cert);
  const jwk = { ...x509.publicKey.export({ format: "jwk" }), kty: "EC", x5c: [x509.raw.toString("base64")] };
  return { clientId: "mtls", authMethod: "self_signed_tls_client_auth", jwks: { keys: [jwk] } };
}

const unfit: Readonly<Record<string, Partial<CertificateWishes>>> = {
  expired: { to: Date.UTC(2021, 0, 1) },
  "not yet valid": { from: Date.UTC(2040, 0, 1) },
  "for servers only": { use: "server" },
};

const rows: readonly SecurityRow[] = [
  {
    id: "F7",
    name: "the registered name in a trusted certificate, and the token is bound to it",
    async build(scene) {
      await scene.authority.client(sanClient);
      return post(scene, connection(certificate(good), true));
    },
    expect: { status: 200 },
    also: (answer) => assert.match(claimsOf(answer).cnf?.["x5t#S256"] ?? "", /^[\w-]{43}$/),
  },
  {
    id: "F7",
    name: "a client that proves itself by a secret, and shows a certificate beside it: the token is not bound",
    async build(scene) {
      const { secret } = await scene.authority.client({ clientId: "mtls" });
      return post(scene, connection(certificate(good), true), { client_secret: secret });
    },
    expect: { status: 200 },
    also: (answer) => assert.equal(claimsOf(answer).cnf, undefined),
  },
  ...wrongCertificates.map(
    ({ id, name, wishes, trusted }): SecurityRow => ({
      id,
      name,
      async build(scene) {
        await scene.authority.client(sanClient);
        return post(scene, connection(certificate(wishes), trusted));
      },
      expect: refused,
    }),
  ),
  ...spellings.map(
    ([rule, wishes, expect]): SecurityRow => ({
      id: "F7",
      name: `registered ${JSON.stringify(rule)}, shown ${JSON.stringify(wishes)}`,
      async build(scene) {
        await scene.authority.client({ ...sanClient, certificate: rule });
        return post(scene, connection(certificate({ name: "any", ...wishes }), true));
      },
      expect,
    }),
  ),
  {
    id: "F7",
    name: "no certificate",
    async build(scene) {
      await scene.authority.client(sanClient);
      return post(scene, { address: remote });
    },
    expect: refused,
    also(_answer, { authority }) {
      const event = authority.events.findLast(({ name }) => name === "token.refused");
      assert.match(String(event?.name === "token.refused" && event.fields.detail), /no certificate was presented/);
    },
  },
  {
    id: "F7",
    name: "bytes that are no certificate",
    async build(scene) {
      await scene.authority.client(sanClient);
      return post(scene, { address: remote, certificate: { der: Buffer.from(canary), trusted: true } });
    },
    expect: refused,
  },
  {
    id: "F8",
    name: "certificate headers without a certificate",
    async build(scene) {
      await scene.authority.client(sanClient);
      return post(scene, { address: remote }, {}, spoofed);
    },
    expect: refused,
  },
  {
    id: "B16",
    name: "certificate and assertion",
    async build(scene) {
      await scene.authority.client(sanClient);
      const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
      const assertion = { client_assertion_type: type, client_assertion: "a.b.c" };
      return post(scene, connection(certificate(good), true), assertion);
    },
    expect: { status: 400, error: "invalid_request" },
  },
  {
    id: "B16",
    name: "certificate and secret",
    async build(scene) {
      await scene.authority.client(sanClient);
      return post(scene, connection(certificate(good), true), { client_secret: canary });
    },
    expect: { status: 400, error: "invalid_request" },
  },
  {
    id: "F7",
    name: "self-signed: the registered certificate passes, its twin with the same names does not",
    async build(scene) {
      const registered = certificate(good);
      await scene.authority.client(selfSigned(registered));
      assert.equal((await post(scene, connection(registered, false))).status, 200);
      return post(scene, connection(certificate(good), false));
    },
    expect: refused,
  },
  ...Object.entries(unfit).map(
    ([name, wishes]): SecurityRow => ({
      id: "F7",
      name: `self-signed: the registered certificate once it is ${name}`,
      async build(scene) {
        const registered = certificate({ ...good, ...wishes });
        await scene.authority.client(selfSigned(registered));
        return post(scene, connection(registered, false));
      },
      expect: refused,
    }),
  ),
  {
    id: "F7",
    name: "self-signed: the registered certificate passes with keys that have none beside it, before and after",
    async build(scene) {
      const registered = certificate(good);
      const bare = (shown: TestCertificate) =>
        ({ ...new X509Certificate(shown.cert).publicKey.export({ format: "jwk" }), kty: "EC" }) as const;
      const x5c = [new X509Certificate(registered.cert).raw.toString("base64")];
      const other = certificate(good);
      await scene.authority.client({
        clientId: "mtls",
        authMethod: "self_signed_tls_client_auth",
        jwks: { keys: [bare(other), { ...bare(registered), x5c }, bare(certificate(good))] },
      });
      // The key of one beside it is registered, its certificate is not.
      assert.equal((await post(scene, connection(other, false))).status, 401);
      return post(scene, connection(registered, false));
    },
    expect: { status: 200 },
    also: (answer) => assert.match(claimsOf(answer).cnf?.["x5t#S256"] ?? "", /^[\w-]{43}$/),
  },
  {
    id: "F11",
    name: "a bound token over the certificate's successor of the same key",
    async build(scene) {
      const before = certificate(good);
      const after = certificate({ ...good, renews: before });
      await scene.authority.client({ ...sanClient, scopes: ["superuser"] });
      const issued = await post(scene, connection(before, true), { scope: "superuser" });
      const headers = { authorization: `Bearer ${issued.body.access_token}` };
      const show = async () => {
        const request = new Request(`${TEST_ISSUER}/api/v1/keys`, { headers });
        return readResponse(await scene.authority.fetch(request, connection(after, true)));
      };
      // The successor gets a token of its own: that is how a client goes on.
      const renewed = await post(scene, connection(after, true), { scope: "superuser" });
      assert.notEqual(claimsOf(renewed).cnf?.["x5t#S256"], claimsOf(issued).cnf?.["x5t#S256"]);
      return show();
    },
    expect: { status: 401, error: "invalid_token" },
  },
  {
    id: "A45",
    name: "a bound token over another certificate, and over none",
    async build(scene) {
      const mine = certificate(good);
      await scene.authority.client({ ...sanClient, scopes: ["superuser"] });
      const issued = await post(scene, connection(mine, true), { scope: "superuser" });
      const show = async (from: Connection) => {
        const headers = { authorization: `Bearer ${issued.body.access_token}` };
        return readResponse(await scene.authority.fetch(new Request(`${TEST_ISSUER}/api/v1/keys`, { headers }), from));
      };
      assert.equal((await show(connection(mine, true))).status, 200);
      assert.equal((await show({ address: remote })).status, 401);
      return show(connection(certificate(good), true));
    },
    expect: { status: 401, error: "invalid_token" },
  },
];

securityTable("Section F: client certificates", rows);
