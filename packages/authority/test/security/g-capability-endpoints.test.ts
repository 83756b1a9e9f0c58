import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Biscuit, KeyPair, PublicKey } from "@countersign/biscuit";
import type { CapabilityPath } from "@countersign/protocol/capability";
import {
  attestService,
  delegateIdentity,
  mintAuthorization,
  mintIdentity,
  narrowToken,
  signOff,
} from "@countersign/protocol/capability";
import type { ConfigInput } from "../../src/config.ts";
import {
  alice,
  bob,
  certified,
  gateway,
  ledger,
  policy,
  type Received,
  shop,
  type World,
  world,
} from "../capability/world.ts";

const asAlice = certified({ uri: alice });
const asShop = certified({ uri: shop });
const read = { resource: "orders", operation: "read" };

/** What the rows make tokens with. */
interface Scene extends World {
  readonly options: { readonly rootKey: PublicKey; readonly clock: World["authority"]["clock"] };
  /** An identity token of alice. */
  identity(): Promise<string>;
  delegated(identity: string): Promise<string>;
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly build: (scene: Scene) => Promise<Received>;
  readonly status: number;
  /** The code in the log. */
  readonly code: string;
  /** What the log says. */
  readonly detail?: RegExp;
  readonly says?: RegExp;
  readonly config?: ConfigInput;
}

const issuer = await KeyPair.generate();
const mallory = await KeyPair.generate();

/** A token with one byte of its last signature changed. */
function malleated(token: string): string {
  const bytes = Buffer.from(token, "base64url");
  const at = bytes.length - 50;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes.toString("base64url");
}

const judge = (path: CapabilityPath, message: object) => (scene: Scene) => scene.send(path, message);

const identityRows: readonly Row[] = [
  {
    id: "G4",
    name: "an identity token of another root",
    async build(scene) {
      const token = await mintIdentity(mallory, { subject: alice }, scene.options);
      return scene.send("/request_token", read, { bearer: token.toBase64() });
    },
    status: 401,
    code: "token_signature",
  },
  {
    id: "G4",
    name: "an identity token that names a root key there is not",
    async build(scene) {
      const token = await mintIdentity(mallory, { subject: alice }, { ...scene.options, rootKeyId: 7 });
      return scene.send("/request_token", read, { bearer: token.toBase64() });
    },
    status: 401,
    code: "unknown_root_key",
  },
  {
    id: "G1",
    name: "an identity token with one bit changed",
    build: async (scene) => scene.send("/request_token", read, { bearer: malleated(await scene.identity()) }),
    status: 401,
    code: "token_signature",
  },
  {
    id: "G23",
    name: "an identity token in the standard alphabet",
    build: async (scene) => scene.send("/request_token", read, { bearer: "En0KE+/=" }),
    status: 401,
    code: "token_malformed",
  },
  {
    id: "G19",
    name: "an expired identity token",
    async build(scene) {
      const bearer = await scene.identity();
      await scene.authority.clock.advance(3_600_000);
      return scene.send("/request_token", read, { bearer });
    },
    status: 401,
    code: "token_expired",
  },
  {
    id: "G19",
    name: "a narrowed identity token after its five seconds",
    async build(scene) {
      const bearer = (await narrowToken(await scene.identity(), scene.options)).toBase64();
      await scene.authority.clock.advance(5000);
      return scene.send("/request_token", read, { bearer });
    },
    status: 401,
    code: "token_expired",
  },
  {
    id: "G22",
    name: "a delegate that the policy does not know has nothing of its parent",
    build: async (scene) => scene.send("/request_token", read, { bearer: await scene.delegated(`${alice}:laptop`) }),
    status: 401,
    code: "policy_refused",
    says: /^Unauthorized or unknown resource: orders$/,
  },
  {
    id: "G22",
    name: "a delegate asks for what only its parent has",
    build: async (scene) =>
      scene.send(
        "/request_token",
        { ...read, operation: "write" },
        { bearer: await scene.delegated(`${alice}:agent1`) },
      ),
    status: 401,
    code: "policy_refused",
    detail: /no rule allows it/,
  },
  {
    id: "G9",
    name: "an appended block that names another actor",
    async build(scene) {
      const opened = await Biscuit.parse(await scene.identity()).verify(scene.options.rootKey);
      const wider = await opened.attenuate(`check if actor($a), $a == "${bob}";`);
      return scene.send("/request_token", read, { bearer: wider.toBase64() });
    },
    status: 403,
    code: "identity_mismatch",
  },
  {
    id: "F7",
    name: "a certificate and an identity token of two people",
    build: async (scene) =>
      scene.send("/request_token", read, { from: certified({ uri: bob }), bearer: await scene.identity() }),
    status: 403,
    code: "identity_mismatch",
    says: /^Identity mismatch/,
  },
  {
    id: "F7",
    name: "a certificate and the identity token of its delegate",
    build: async (scene) =>
      scene.send("/request_token", read, { from: asAlice, bearer: await scene.delegated(`${alice}:agent1`) }),
    status: 403,
    code: "identity_mismatch",
    says: /^Identity mismatch/,
  },
  {
    id: "G22",
    name: "a domain that the identity token is not restricted to",
    build: async (scene) => scene.send("/request_token", { ...read, domain: shop }, { bearer: await scene.identity() }),
    status: 403,
    code: "domain_mismatch",
  },
  {
    id: "G22",
    name: "a domain beside a certificate",
    build: (scene) => scene.send("/request_token", { ...read, domain: shop }, { from: asAlice }),
    status: 403,
    code: "domain_mismatch",
  },
  {
    id: "G22",
    name: "an authorization token as an identity",
    async build(scene) {
      const { token = "" } = await scene.get("/request_token", read, { from: asAlice });
      return scene.send("/request_token", read, { bearer: token });
    },
    status: 401,
    code: "token_kind",
  },
  {
    id: "G22",
    name: "an identity token for somebody else than the certificate names",
    build: (scene) => scene.send("/request_identity_token", { identifier: bob }, { from: asAlice }),
    status: 403,
    code: "identity_mismatch",
  },
  {
    id: "G22",
    name: "an identity token without a certificate",
    build: async (scene) => scene.send("/request_identity_token", {}, { bearer: await scene.identity() }),
    status: 401,
    code: "unauthenticated",
  },
  {
    id: "G22",
    name: "an identity token for somebody whom the policy does not know",
    build: (scene) => scene.send("/request_identity_token", {}, { from: certified({ uri: "urn:example:nobody" }) }),
    status: 403,
    code: "policy_refused",
    detail: /neither subjects nor a realm has the subject/,
  },
];

const refreshRows: readonly Row[] = [
  {
    id: "G22",
    name: "a refresh of a narrowed token, as seen on its way",
    async build(scene) {
      const current_token = (await narrowToken(await scene.identity(), scene.options)).toBase64();
      return scene.send("/refresh_identity_token", { current_token });
    },
    status: 400,
    code: "invalid_request",
    says: /delegated or narrowed/,
  },
  {
    id: "G22",
    name: "the same beside the certificate of its holder",
    async build(scene) {
      const current_token = (await narrowToken(await scene.identity(), scene.options)).toBase64();
      return scene.send("/refresh_identity_token", { current_token }, { from: asAlice });
    },
    status: 400,
    code: "invalid_request",
  },
  {
    id: "G22",
    name: "a refresh of a delegated token",
    build: async (scene) =>
      scene.send("/refresh_identity_token", { current_token: await scene.delegated(`${alice}:agent1`) }),
    status: 400,
    code: "invalid_request",
  },
  {
    id: "G22",
    name: "a refresh of a token with a first-party block",
    async build(scene) {
      const opened = await Biscuit.parse(await scene.identity()).verify(scene.options.rootKey);
      const current_token = (await opened.attenuate('check if actor("x");')).toBase64();
      return scene.send("/refresh_identity_token", { current_token });
    },
    status: 400,
    code: "invalid_request",
  },
  {
    id: "G22",
    name: "a refresh of a realm's token",
    async build(scene) {
      const minted = await scene.get("/mint_identity_token", { subject: `${shop}:u` }, { from: asShop });
      return scene.send("/refresh_identity_token", { current_token: minted.token ?? "" });
    },
    status: 400,
    code: "invalid_request",
    says: /ask the realm/,
  },
  {
    id: "G19",
    name: "a refresh of an expired token",
    async build(scene) {
      const current_token = await scene.identity();
      await scene.authority.clock.advance(3_600_000);
      return scene.send("/refresh_identity_token", { current_token });
    },
    status: 401,
    code: "token_expired",
  },
  {
    id: "G22",
    name: "a refresh of an expired token beside the certificate of another",
    async build(scene) {
      const current_token = await scene.identity();
      await scene.authority.clock.advance(3_600_000);
      return scene.send("/refresh_identity_token", { current_token }, { from: certified({ uri: bob }) });
    },
    status: 403,
    code: "identity_mismatch",
  },
  {
    id: "G4",
    name: "a refresh of a token of another root",
    async build(scene) {
      const token = await mintIdentity(mallory, { subject: alice }, scene.options);
      return scene.send("/refresh_identity_token", { current_token: token.toBase64() });
    },
    status: 401,
    code: "token_signature",
  },
];

const realmRows: readonly Row[] = [
  {
    id: "G22",
    name: "a realm vouches for one beside it",
    build: (scene) => scene.send("/mint_identity_token", { subject: `${shop}x:user` }, { from: asShop }),
    status: 403,
    code: "policy_refused",
    detail: /is not beneath/,
  },
  ...[shop, `${shop}:`, `${shop}::a`, `${shop}:a `, "", `${shop}:\u0000`].map(
    (subject): Row => ({
      id: "G22",
      name: `a realm vouches for ${JSON.stringify(subject)}`,
      build: (scene) => scene.send("/mint_identity_token", { subject }, { from: asShop }),
      status: 403,
      code: "policy_refused",
    }),
  ),
  {
    id: "G22",
    name: "somebody who is no realm vouches",
    build: (scene) => scene.send("/mint_identity_token", { subject: `${alice}:x` }, { from: asAlice }),
    status: 403,
    code: "policy_refused",
    detail: /the document has no such realm/,
  },
  {
    id: "G22",
    name: "one of a realm vouches for others",
    async build(scene) {
      const minted = await scene.get("/mint_identity_token", { subject: `${shop}:u` }, { from: asShop });
      return scene.send("/mint_identity_token", { subject: `${shop}:u:v` }, { bearer: minted.token ?? "" });
    },
    status: 403,
    code: "policy_refused",
    detail: /is restricted to the realm/,
  },
  {
    id: "G22",
    name: "a narrowed identity token of a realm vouches",
    async build(scene) {
      const { token = "" } = await scene.get("/request_identity_token", {}, { from: asShop });
      const bearer = (await narrowToken(token, scene.options)).toBase64();
      return scene.send("/mint_identity_token", { subject: `${shop}:u` }, { bearer });
    },
    status: 403,
    code: "policy_refused",
    detail: /delegated or narrowed/,
  },
  {
    id: "G22",
    name: "a realm vouches for no time",
    build: (scene) => scene.send("/mint_identity_token", { subject: `${shop}:u`, duration: 0 }, { from: asShop }),
    status: 400,
    code: "invalid_request",
  },
  {
    id: "G22",
    name: "a stub for one who is not of the realm",
    build: (scene) => scene.send("/request_stub", { ...stubOf(alice) }, { from: asShop }),
    status: 403,
    code: "policy_refused",
  },
  {
    id: "G8",
    name: "a stub with a prefix key that is none",
    build: (scene) =>
      scene.send("/request_stub", { ...stubOf(`${shop}:u`), prefix_attenuator_key: "ed25519/00" }, { from: asShop }),
    status: 400,
    code: "invalid_public_key",
  },
  {
    id: "G22",
    name: "a stub for more than its target may do",
    build: (scene) => scene.send("/request_stub", { ...stubOf(`${shop}:u`), operation: "write" }, { from: asShop }),
    status: 403,
    code: "policy_refused",
  },
];

function stubOf(target_identity: string) {
  return { target_identity, ...read, prefix_attenuator_key: gateway.publicKey.toString() };
}

const question = { subject: alice, ...read };

const judgementRows: readonly Row[] = [
  {
    id: "G23",
    name: "a text that is no token",
    build: judge("/verify_token", { token: "none!", ...question }),
    status: 400,
    code: "token_malformed",
    says: /^Invalid token format$/,
  },
  ...(["subject", "resource", "operation"] as const).map(
    (member): Row => ({
      id: "G9",
      name: `a token for another ${member}`,
      async build(scene) {
        const { token = "" } = await scene.get("/request_token", read, { from: asAlice });
        return scene.send("/verify_token", { token, ...question, [member]: "other" });
      },
      status: 401,
      code: "rights_denied",
      says: /^Invalid token/,
    }),
  ),
  {
    id: "G9",
    name: "a token whose holder added a right",
    async build(scene) {
      const { token = "" } = await scene.get("/request_token", read, { from: asAlice });
      const opened = await Biscuit.parse(token).verify(scene.options.rootKey);
      const wider = await opened.attenuate(`right("${alice}", "orders", "write");`);
      return scene.send("/verify_token", { token: wider.toBase64(), ...question, operation: "write" });
    },
    status: 401,
    code: "rights_denied",
  },
  {
    id: "G21",
    name: "a pending token as a whole one",
    async build(scene) {
      const right = { resource: "payments", operation: "write" };
      const { token = "" } = await scene.get("/request_token", right, { from: asAlice });
      return scene.send("/verify_token", { token, subject: alice, ...right });
    },
    status: 401,
    code: "signoff_missing",
  },
  {
    id: "G20",
    name: "a chain with a service skipped",
    async build(scene) {
      const { token = "" } = await scene.get("/request_token", { ...read, resource: "invoices" }, { from: asAlice });
      const attested = await attestService(token, { service: "invoices", key: ledger }, scene.options);
      const message = { token: attested.toBase64(), subject: alice, resource: "invoices", component: "ledger" };
      return scene.send("/verify_service_chain_token", message);
    },
    status: 401,
    code: "service_chain_failed",
  },
  {
    id: "G20",
    name: "an attestation with another service's key",
    async build(scene) {
      const { token = "" } = await scene.get("/request_token", { ...read, resource: "invoices" }, { from: asAlice });
      const attested = await attestService(token, { service: "invoices", key: mallory }, scene.options);
      const message = { token: attested.toBase64(), subject: alice, resource: "invoices", component: "ledger" };
      return scene.send("/verify_service_chain_token", message);
    },
    status: 401,
    code: "service_chain_failed",
  },
  {
    id: "G20",
    name: "a component that is a part of another's name",
    async build(scene) {
      const { token = "" } = await scene.get("/request_token", { ...read, resource: "invoices" }, { from: asAlice });
      return scene.send("/verify_service_chain_token", {
        token,
        subject: alice,
        resource: "invoices",
        component: "gate",
      });
    },
    status: 401,
    code: "service_chain_failed",
    says: /^Invalid service chain token: Component 'gate' not found in service chain$/,
  },
  {
    id: "G20",
    name: "a resource without a chain",
    build: judge("/verify_service_chain_token", { token: "x", subject: alice, resource: "orders" }),
    status: 400,
    code: "invalid_request",
    says: /^Resource is not a service chain: orders$/,
  },
  {
    id: "G20",
    name: "a resource that there is not",
    build: judge("/verify_service_chain_token", { token: "x", subject: alice, resource: "nothing" }),
    status: 404,
    code: "not_found",
    says: /^Resource not found: nothing$/,
  },
];

const signing: ConfigInput = { capability: { component: "finance", issuers: [issuer.publicKey.toString()] } };
const payment = { resource: "payments", operation: "write" };

/** A token of the trusted issuer, pending the signoff of this authority and of whoever else. */
async function pendingToken(
  scene: Scene,
  more: Partial<Parameters<typeof mintAuthorization>[1]> = {},
): Promise<string> {
  const { signoff } = JSON.parse(JSON.stringify((await scene.send("/public_key", {})).body));
  const parties = [{ component: "finance", publicKey: String(signoff.public_key) }];
  const content = { subject: alice, ...payment, parties, ...more };
  return (await mintAuthorization(issuer, content, { clock: scene.authority.clock })).toBase64();
}

const sign = (token: string, scene: Scene, from = asAlice, asked = payment) =>
  scene.send("/sign_token", { token, ...asked }, { from });

const signoffRows: readonly Row[] = [
  {
    id: "G21",
    name: "an authority that signs nothing off",
    build: (scene) => sign("x", scene),
    status: 404,
    code: "not_found",
    config: {},
  },
  {
    id: "G21",
    name: "nobody asks for a signoff",
    build: async (scene) => sign(await pendingToken(scene), scene, { address: "192.0.2.9" }),
    status: 401,
    code: "unauthenticated",
  },
  {
    id: "G21",
    name: "a token of an issuer that is not trusted",
    async build(scene) {
      const token = await mintAuthorization(mallory, { subject: alice, ...payment }, { clock: scene.authority.clock });
      return sign(token.toBase64(), scene);
    },
    status: 401,
    code: "unknown_root_key",
  },
  {
    id: "G21",
    name: "a token that grants something else than is asked",
    build: async (scene) => sign(await pendingToken(scene), scene, asAlice, { ...payment, operation: "read" }),
    status: 403,
    code: "rights_denied",
  },
  {
    id: "G19",
    name: "an expired token",
    async build(scene) {
      const token = await pendingToken(scene);
      await scene.authority.clock.advance(300_000);
      return sign(token, scene);
    },
    status: 401,
    code: "token_expired",
  },
  {
    id: "G21",
    name: "somebody else's token",
    build: async (scene) => sign(await pendingToken(scene), scene, certified({ uri: bob })),
    status: 403,
    code: "identity_mismatch",
  },
  {
    id: "G21",
    name: "a token whose subject only begins like the caller",
    build: async (scene) => sign(await pendingToken(scene, { subject: `${alice}x` }), scene),
    status: 403,
    code: "identity_mismatch",
  },
  {
    id: "G21",
    name: "a signoff that the policy here does not allow",
    build: async (scene) =>
      sign(await pendingToken(scene, { resource: "orders" }), scene, asAlice, { ...payment, resource: "orders" }),
    status: 403,
    code: "policy_refused",
  },
  {
    id: "G21",
    name: "a token that waits for nobody here",
    build: async (scene) =>
      sign(await pendingToken(scene, { parties: [{ component: "finance", publicKey: mallory.publicKey }] }), scene),
    status: 400,
    code: "invalid_request",
    says: /does not wait for the signoff/,
  },
  {
    id: "G21",
    name: "a token that was signed off already",
    async build(scene) {
      const first = await sign(await pendingToken(scene), scene);
      assert.equal(first.status, 200, JSON.stringify(first.body));
      return sign(String(first.body.signed_token), scene);
    },
    status: 400,
    code: "invalid_request",
  },
  {
    id: "G21",
    name: "a token that another component signs off first",
    async build(scene) {
      const { signoff } = JSON.parse(JSON.stringify((await scene.send("/public_key", {})).body));
      const parties = [
        { component: "legal", publicKey: mallory.publicKey },
        { component: "finance", publicKey: String(signoff.public_key) },
      ];
      return sign(await pendingToken(scene, { parties }), scene);
    },
    status: 403,
    code: "signoff_missing",
  },
  {
    id: "G6",
    name: "a signoff moved from another token",
    async build(scene) {
      const { body } = await sign(await pendingToken(scene), scene);
      const [source, target] = await Promise.all(
        [String(body.signed_token), await pendingToken(scene, { resource: "orders" })].map(async (text) =>
          Biscuit.parse(text).verify(issuer.publicKey),
        ),
      );
      assert.ok(source !== undefined && target !== undefined);
      assert.equal(source.blockCount, 2);
      return sign(target.toBase64(), scene, asAlice, { ...payment, resource: "orders" });
    },
    status: 403,
    code: "policy_refused",
  },
];

const messageRows: readonly Row[] = [
  {
    id: "B",
    name: "a member that is missing",
    build: (scene) => scene.send("/request_token", { resource: "orders" }, { from: asAlice }),
    status: 422,
    code: "invalid_request",
    says: /missing field `operation`/,
  },
  {
    id: "B",
    name: "a member of another type",
    build: (scene) => scene.send("/request_token", { resource: 1, operation: "read" }, { from: asAlice }),
    status: 422,
    code: "invalid_request",
    says: /resource is not a string/,
  },
  {
    id: "B",
    name: "a body that is no JSON",
    build: (scene) => scene.send("/request_token", "{", { from: asAlice }),
    status: 400,
    code: "invalid_request",
  },
  {
    id: "B",
    name: "a member twice",
    build: (scene) =>
      scene.send("/request_token", '{"resource":"orders","operation":"read","operation":"write"}', { from: asAlice }),
    status: 400,
    code: "invalid_request",
  },
  {
    id: "B",
    name: "a form",
    build: (scene) =>
      scene.send("/request_token", "resource=orders", { from: asAlice, headers: { "content-type": "text/plain" } }),
    status: 415,
    code: "unsupported_media_type",
  },
  {
    id: "B",
    name: "a resource that is no name",
    build: (scene) => scene.send("/request_token", { ...read, resource: "or\u0000ders" }, { from: asAlice }),
    status: 401,
    code: "policy_refused",
  },
];

async function sceneOf(config: ConfigInput): Promise<Scene> {
  const signoffs = {
    ...policy,
    rules: [
      ...(policy.rules ?? []),
      {
        id: "signoffs",
        kinds: ["signoff" as const],
        subjects: [alice],
        resources: ["payments"],
        operations: ["write"],
      },
    ],
  };
  const w = await world(config, { policy: signoffs });
  const rootKey = PublicKey.fromPem((await w.get("/public_key", {})).public_key);
  const options = { rootKey, clock: w.authority.clock };
  const identity = async () => (await w.get("/request_identity_token", {}, { from: asAlice })).token ?? "";
  return {
    ...w,
    options,
    identity,
    delegated: async (to) => (await delegateIdentity(await identity(), { identity: to }, options)).toBase64(),
  };
}

const sections: Readonly<Record<string, readonly Row[]>> = {
  "identity tokens": identityRows,
  refreshes: refreshRows,
  realms: realmRows,
  judgements: judgementRows,
  signoffs: signoffRows,
  messages: messageRows,
};

for (const [section, rows] of Object.entries(sections)) {
  describe(`Section G at the capability endpoints: ${section}`, () => {
    for (const { id, name, build, status, code, detail, says, config = signing } of rows) {
      it(`${id} ${name}`, async () => {
        const scene = await sceneOf(config);
        const received = await build(scene);
        assert.equal(received.status, status, JSON.stringify(received.body));
        assert.equal(scene.refusal().code, code);
        assert.match(scene.refusal().detail ?? "", detail ?? /./);
        assert.match(String(received.body.response_msg), says ?? /./);
        for (const member of ["token", "signed_token"]) assert.ok((received.body[member] ?? null) === null);
        // No token is in the log: they are base64 of some hundred bytes.
        assert.doesNotMatch(JSON.stringify(scene.authority.events), /[A-Za-z0-9_-]{160,}/);
        await scene.authority.close();
      });
    }
  });
}

describe("the signoff of an authority", () => {
  it("completes a token of a trusted issuer, and is recorded", async () => {
    const scene = await sceneOf(signing);
    const { status, body } = await sign(await pendingToken(scene), scene);
    assert.equal(status, 200, JSON.stringify(body));
    const records = await scene.authority.services.audit.read({ limit: 1 });
    assert.equal(records[0]?.name, "capability.signed");
    const other = await signOff(
      await pendingToken(scene),
      { component: "finance", key: mallory },
      { rootKey: issuer.publicKey },
    );
    assert.equal((await sign(other.toBase64(), scene)).status, 200, "a signoff with another key is none");
  });
});

describe("refusals at the capability endpoints", () => {
  it("are limited by address, and cost others nothing", async () => {
    const w = await world({ limits: { capability_refusals_per_minute: 3 } });
    const ask = (address: string) => w.send("/request_token", read, { from: { address } });
    for (let at = 0; at < 3; at++) assert.equal((await ask("192.0.2.1")).status, 401);
    const limited = await ask("192.0.2.1");
    assert.equal(limited.status, 429);
    assert.ok(Number(limited.headers.get("retry-after")) > 0);
    // Whoever is limited is refused before a good certificate is looked at; another address is not.
    const good = certified({ uri: alice });
    assert.equal((await w.send("/request_token", read, { from: { ...good, address: "192.0.2.1" } })).status, 429);
    assert.equal((await w.send("/request_token", read, { from: { ...good, address: "198.51.100.1" } })).status, 201);
  });

  it("say response_msg where no endpoint was reached, and never redirect", async () => {
    const { authority } = await world();
    const wrong = await authority.fetch(new Request("http://localhost:8080/request_token", { method: "PUT" }));
    assert.equal(wrong.status, 405);
    const body: unknown = await wrong.json();
    assert.ok(typeof body === "object" && body !== null && "response_msg" in body);
  });
});
