import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { KeyPair } from "@countersign/biscuit";
import { systemClock } from "@countersign/protocol";
import { mintIdentity, restrictPrefix } from "@countersign/protocol/capability";
import { FakeClock } from "@countersign/protocol/testing";
import {
  type ClientOptions,
  Countersign,
  fetchPublicKey,
  fetchPublicKeyHttp3,
  SdkError,
  ServiceChain,
} from "../src/index.ts";
import { type Answer, type TestAuthorityOptions, testAuthority } from "./support/authority.ts";
import { alice, testTls } from "./support/tls.ts";

const tls = testTls();
const gateway = await KeyPair.generate();
const orders = await KeyPair.generate("secp256r1");
const serviceChain = [
  { component: "gateway", publicKey: gateway.publicKey.toString() },
  { component: "orders", publicKey: orders.publicKey.toString() },
];
const laptop = `${alice}:laptop`;
const resources: TestAuthorityOptions["resources"] = {
  invoices: {
    may: [
      [alice, "read"],
      [laptop, "read"],
    ],
  },
  orders: { may: [[alice, "read"]], serviceChain },
};

const open: { close(): unknown }[] = [];
after(() => Promise.all(open.map((one) => one.close())));

async function setUp(more: Partial<TestAuthorityOptions> = {}, options: ClientOptions = {}) {
  const authority = await testAuthority({ tls, resources, ...more });
  open.push(authority);
  const client = (config: { readonly anonymous?: boolean; readonly personalKeypair?: KeyPair } = {}): Countersign => {
    const made = new Countersign(
      {
        baseUrl: authority.address,
        serverCa: tls.ca,
        protocol: more.protocol,
        ...(config.anonymous === true ? {} : { mtlsCert: tls.client.cert, mtlsKey: tls.client.key }),
        personalKeypair: config.personalKeypair?.privateKey.revealPem(),
      },
      options,
    );
    open.unshift(made);
    return made;
  };
  return { authority, client };
}

const is =
  (code: string, message: RegExp = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof SdkError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };

for (const protocol of ["http1", "http2"] as const) {
  describe(`a client over ${protocol}`, () => {
    it("asks for a token with its certificate and verifies it on both sides", async () => {
      const { authority, client } = await setUp({ protocol });
      const one = client();
      const token = await one.requestTokenSimple("invoices", "read");
      const remote = await one.verifyToken(token, alice, "invoices", "read");
      assert.deepEqual(remote, { judged: "remote", responseMsg: "Token validated" });
      await one.setup();
      assert.deepEqual(await one.verifyToken(token, alice, "invoices", "read"), { judged: "local" });
      await assert.rejects(one.verifyToken(token, alice, "invoices", "write"), is("rights_denied", /^Token error: /));
      await assert.rejects(one.verifyTokenRemote(token, alice, "invoices", "write"), is("http_status", /403/));
      assert.ok(authority.seen.every(({ version }) => version === (protocol === "http2" ? "2.0" : "1.1")));
    });

    it("sends many requests at once", async () => {
      const { client } = await setUp({ protocol });
      const one = client();
      const tokens = await Promise.all(Array.from({ length: 20 }, () => one.requestTokenSimple("invoices", "read")));
      assert.equal(new Set(tokens).size, 20);
    });

    it("hands the refusal of the authority on", async () => {
      const { client } = await setUp({ protocol });
      await assert.rejects(client().requestToken("nothing", "read"), (error: unknown) => {
        assert.ok(
          is("http_status", /^Invalid response: HTTP error: 401 - Unauthorized or unknown resource: nothing$/)(error),
        );
        assert.deepEqual(
          [(error as SdkError).status, (error as SdkError).responseMsg],
          [401, "Unauthorized or unknown resource: nothing"],
        );
        return true;
      });
    });

    it("refuses a server whose certificate its CA did not sign", async () => {
      const { authority } = await setUp({ protocol });
      const one = new Countersign({ baseUrl: authority.address, serverCa: tls.otherCa, protocol });
      open.unshift(one);
      await assert.rejects(one.getPublicKey(), is("http_client", /CERT|SIGN/));
    });

    it("is told by the answer that a certificate of another CA is nobody's", async () => {
      const { authority } = await setUp({ protocol });
      const { cert, key } = tls.stranger;
      const config = { baseUrl: authority.address, serverCa: tls.ca, mtlsCert: cert, mtlsKey: key, protocol };
      const one = new Countersign(config);
      open.unshift(one);
      await assert.rejects(one.requestToken("invoices", "read"), is("http_status", /401/));
    });

    it("follows no redirect, and reads no answer without end", async () => {
      const answers: Record<string, Answer> = {
        "/public_key": { status: 307, body: { response_msg: "moved" } },
        "/health": { status: 200, body: "x".repeat(1024 * 1024 + 1) },
      };
      const { client } = await setUp({ protocol, instead: (path) => answers[path] });
      await assert.rejects(client().getPublicKey(), is("http_status", /307 - moved/));
      await assert.rejects(client().health(), is("http_client", /1048576/));
    });

    it("waits no longer than it was told, and ends when it is told", async () => {
      const clock = new FakeClock();
      const asked = Promise.withResolvers<void>();
      const never = () => {
        asked.resolve();
        return new Promise<Answer>(() => {});
      };
      const { client } = await setUp({ protocol, instead: never }, { clock });
      const slow = client().getPublicKey({ timeoutMs: 5000 });
      const late = assert.rejects(slow, is("timed_out", /5000 ms/));
      await asked.promise;
      await clock.advance(5000);
      await late;
      const aborting = new AbortController();
      const ended = assert.rejects(client().getPublicKey({ signal: aborting.signal }), /enough/);
      aborting.abort(new Error("enough"));
      await ended;
    });
  });
}

describe("a client whose connection was closed by the server", () => {
  it("asks once more over a new one", async () => {
    const sockets = new Set<unknown>();
    const { client } = await setUp({
      instead: (_path, _body, socket) => {
        const isKnown = sockets.has(socket);
        sockets.add(socket);
        if (!isKnown) return undefined;
        socket.destroy();
        return new Promise(() => {});
      },
    });
    const one = client();
    await one.health();
    assert.equal((await one.health()).status, "ok");
    assert.equal(sockets.size, 2);
  });
});

describe("answers that are none", () => {
  const bodies: readonly (readonly [body: unknown, message: RegExp])[] = [
    ["<html>", /the body is no JSON/],
    ['{"response_msg":"a","response_msg":"b","public_key":"k"}', /no JSON/],
    [{ public_key: "k" }, /response_msg is not a string/],
    [{ response_msg: null, public_key: "k" }, /response_msg is not a string/],
    [[], /not an object/],
  ];
  for (const [body, message] of bodies) {
    it(`are refused: ${JSON.stringify(body)}`, async () => {
      const { client } = await setUp({ instead: () => ({ status: 200, body }) });
      await assert.rejects(client().getPublicKey(), is("invalid_response", message));
    });
  }
});

describe("identity tokens", () => {
  it("are requested, delegated, used for five seconds, and refreshed", async () => {
    const { authority, client } = await setUp();
    const one = await client().withSetup();
    const { token = "", identity, expiresIn } = await one.requestIdentityToken();
    assert.deepEqual([identity, expiresIn], [alice, 3600]);
    const delegated = await one.attenuateIdentityToken(token, laptop, 600);
    await one.verifyIdentityTokenLocal(delegated, laptop);
    await assert.rejects(one.verifyIdentityTokenLocal(delegated, alice), is("identity_mismatch"));

    const anonymous = await client({ anonymous: true }).withSetup();
    const { token: granted = "" } = await anonymous.requestTokenWithIdentity("invoices", "read", delegated);
    await anonymous.verifyTokenLocal(granted, laptop, "invoices", "read");
    const bearer = authority.seen.find((request) => request.bearer !== undefined)?.bearer ?? "";
    const { expiresAt = 0 } = await one.inspectToken(bearer);
    assert.ok(bearer !== delegated && expiresAt - systemClock.now() <= 5000);

    const refreshed = await anonymous.refreshIdentityToken(token);
    assert.equal(refreshed.identity, alice);
    await assert.rejects(anonymous.refreshIdentityToken(delegated), is("http_status", /401/));
  });

  it("are sent as they are where no public key is known", async () => {
    const { authority, client } = await setUp();
    const { token = "" } = await client().requestIdentityToken();
    await client({ anonymous: true }).requestTokenWithIdentity("invoices", "read", token);
    assert.equal(authority.seen.at(-1)?.bearer, token);
  });

  it("of another authority are not sent", async () => {
    const { authority, client } = await setUp();
    const one = await client({ anonymous: true }).withSetup();
    const foreign = await mintIdentity(await KeyPair.generate("secp256r1"), { subject: alice }, { clock: systemClock });
    await assert.rejects(one.requestTokenWithIdentity("invoices", "read", foreign.toBase64()), is("token_signature"));
    assert.ok(authority.seen.every(({ path }) => path === "/public_key"));
  });

  it("that name another than the certificate are refused", async () => {
    const { client } = await setUp();
    const one = await client().withSetup();
    const { token = "" } = await one.requestIdentityToken();
    const delegated = await one.attenuateIdentityToken(token, laptop, 600);
    await assert.rejects(
      one.requestTokenWithIdentity("invoices", "read", delegated),
      is("http_status", /Identity mismatch/),
    );
  });

  it("are kept fresh by the certificate, or by refreshing the first", async () => {
    const { authority, client } = await setUp();
    await using byCertificate = await client().keepIdentityToken();
    const token = byCertificate.token().accessToken.reveal();
    await using refreshing = await client({ anonymous: true }).keepIdentityToken({ firstToken: token });
    assert.notEqual(refreshing.token().accessToken.reveal(), token);
    assert.deepEqual(
      authority.seen.map(({ path }) => path),
      ["/request_identity_token", "/refresh_identity_token"],
    );
  });

  it("are minted below the certificate's, and by the personal key pair", async () => {
    const { client } = await setUp();
    const one = await client({ personalKeypair: gateway }).withSetup();
    const { token = "" } = await one.mintDomainRestrictedIdentityToken(`${alice}:robot`, 60);
    await one.verifyIdentityTokenLocal(token, `${alice}:robot`, alice);
    await assert.rejects(one.verifyIdentityTokenLocal(token, `${alice}:robot`), is("domain_mismatch"));
    const own = await one.createIdentityTokenLocal("urn:test:own", 60);
    await assert.rejects(one.verifyIdentityTokenLocal(own, "urn:test:own"), is("token_signature"));
    await assert.rejects(client().createIdentityTokenLocal("urn:test:own", 60), is("missing_personal_keypair"));
  });
});

describe("a service chain", () => {
  it("is attested, and verified on both sides", async () => {
    const { client } = await setUp();
    const [caller, passing] = [client(), await client({ personalKeypair: gateway }).withSetup()];
    const token = await caller.requestTokenSimple("orders", "read");
    const chain = ServiceChain.withNodes(serviceChain);
    const at = { component: "orders" };
    const refused = passing.verifyServiceChainToken(token, alice, "orders", "read", chain, at);
    await assert.rejects(refused, is("service_chain_failed"));
    const attested = await passing.attestServiceChainToken(token, "orders");
    const local = await passing.verifyServiceChainToken(attested, alice, "orders", "read", chain, at);
    assert.equal(local.judged, "local");
    const remote = await passing.verifyServiceChainToken(attested, alice, "orders", "read", undefined, at);
    assert.equal(remote.judged, "remote");
    await assert.rejects(passing.verifyServiceChainTokenRemote(attested, alice, "orders"), is("http_status", /403/));
    await assert.rejects(caller.attestServiceChainToken(token, "orders"), is("missing_personal_keypair"));
    const local2 = caller.verifyServiceChainToken(token, alice, "orders", "read", undefined, { mode: "local" });
    await assert.rejects(local2, TypeError);
  });
});

describe("who judges a token", () => {
  it("is the authority where the key here is old and the mode says so, and nowhere else", async () => {
    const { client } = await setUp();
    const other = await (await setUp()).client().withSetup();
    const stale = new Countersign({ ...client().config, mtlsKey: tls.client.key, publicKey: other.config.publicKey });
    open.unshift(stale);
    const token = await stale.requestTokenSimple("invoices", "read");
    const ask = (mode?: "local-then-remote" | "local" | "remote", operation = "read") =>
      stale.verifyToken(token, alice, "invoices", operation, { mode });
    assert.equal((await ask("local-then-remote")).judged, "remote");
    assert.equal((await ask("remote")).judged, "remote");
    await assert.rejects(ask(), is("token_signature"));
    await assert.rejects(ask("local"), is("token_signature"));
    const fresh = await client().withSetup();
    const denied = fresh.verifyToken(token, alice, "invoices", "write", { mode: "local-then-remote" });
    await assert.rejects(denied, is("rights_denied"));
    await assert.rejects(
      client().verifyToken(token, alice, "invoices", "read", { mode: "local" }),
      is("missing_public_key"),
    );
    await assert.rejects(client().verifyToken(token, alice, "invoices", "read", { domain: "d" }), TypeError);
  });
});

describe("the other calls", () => {
  it("ask for a stub, which a prefix completes", async () => {
    const { authority, client } = await setUp();
    const one = await client().withSetup();
    const key = await KeyPair.generate();
    const { token: identity = "" } = await one.requestIdentityToken();
    const text = key.publicKey.toString();
    const stub = await one.requestStubTokenWithIdentity("urn:test:bob", "files", "read", text, identity, 60);
    assert.equal(stub.prefixAttenuatorKey, text);
    assert.equal((await one.requestStubToken("urn:test:bob", "files", "read", text)).targetIdentity, "urn:test:bob");
    const options = { rootKey: authority.root.publicKey };
    const token = (await restrictPrefix(stub.token ?? "", { prefix: "a/", key }, options)).toBase64();
    await one.verifyTokenLocal(token, "urn:test:bob", "files", "read", { prefix: "a/" });
    await assert.rejects(one.verifyTokenLocal(token, "urn:test:bob", "files", "read"), is("prefix_mismatch"));
  });

  it("fetch a public key without a client, over no HTTP/3", async () => {
    const { authority, client } = await setUp();
    const pem = await fetchPublicKey(authority.address, 1, tls.ca);
    assert.equal(pem, await client().getPublicKey());
    await assert.rejects(fetchPublicKeyHttp3(), is("unsupported_protocol"));
  });

  it("are made by a builder", async () => {
    const { authority } = await setUp();
    await using one = Countersign.builder()
      .baseUrl("https://127.0.0.1:1")
      .port(authority.port)
      .serverCa(tls.ca)
      .mtlsCert(tls.client.cert)
      .mtlsKey(tls.client.key)
      .protocol("http1")
      .timeoutMs(10_000)
      .verification("remote")
      .build();
    const token = await one.requestTokenSimple("invoices", "read");
    await one.setup();
    assert.equal((await one.verifyToken(token, alice, "invoices", "read")).judged, "remote");
    assert.throws(() => Countersign.builder().baseUrl("a").build(), is("missing_server_ca"));
  });
});
