import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { Biscuit, KeyPair, PrivateKey, PublicKey } from "@countersign/biscuit";
import {
  type AuthorizationRequest,
  addExposure,
  anySubject,
  CountersignError,
  delegateIdentity,
  inspectToken,
  type ShownToken,
  verifyAuthorization,
  verifyCapability,
  verifyContext,
  verifyIdentity,
} from "../../src/capability/index.ts";
import { clockAt } from "./fixtures.ts";
import {
  type Call,
  type Judgement,
  readMinted,
  readServiceTokens,
  type VectorCase,
  withoutVectors,
} from "./vectors.ts";

const orders = {
  auth: "ed25519/e57618058b1d2e0381a9813c1405830d5ed7d603717384ef555d9cc0cfa65d83",
  payment: "ed25519/78ef4255c4c9ab5c7186d6db4760758b06616c042a2538323ae3b058094034b6",
  order: "ed25519/1aebc5a6eefc569051926a6aaf55568e53edb475f2f2eb904522609391d88113",
};

/** How the refusals of the crates are called here. Those that say nothing of the cause are left out. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  InvalidSignature: ["token_signature"],
  Base64DecodingError: ["token_malformed"],
  DeserializationError: ["token_malformed"],
  InvalidKeyFormat: ["invalid_public_key"],
  Expired: ["token_expired"],
  DomainMismatch: ["domain_mismatch"],
  IdentityMismatch: ["identity_mismatch"],
  RightsDenied: ["rights_denied"],
  ServiceChainFailed: ["service_chain_failed"],
  AttenuationFailed: ["delegation_failed"],
  NoMatchingPolicy: ["domain_mismatch"],
  CheckFailed: ["check_failed", "identity_mismatch", "token_kind"],
};

interface Asked {
  readonly token: string;
  readonly call: Call;
  readonly options: { readonly rootKey: PublicKey; readonly clock: ReturnType<typeof clockAt> };
}

const given = <Value>(name: string, value: Value | undefined): Record<string, Value> =>
  value === undefined ? {} : { [name]: value };

function authorization({ token, call, options }: Asked): Promise<unknown> {
  const { subject, resource = "", operation = "", domain, prefix, nodes, component } = call;
  const serviceChain = nodes && {
    nodes: nodes.map((node) => ({ component: node.component, publicKey: node.public_key })),
    component,
  };
  const request: AuthorizationRequest = {
    subject: subject ?? anySubject,
    resource,
    operation,
    ...given("domain", domain),
    ...given("prefix", prefix),
    ...given("serviceChain", serviceChain),
  };
  return verifyAuthorization(token, request, options);
}

function identity({ token, call, options }: Asked): Promise<unknown> {
  const { domain, ensureSubjectInDomain } = call;
  const request = {
    ...given("identity", call.identity),
    ...given("domain", domain),
    ...given("requireDomain", ensureSubjectInDomain),
  };
  return verifyIdentity(token, request, options);
}

/** Our function for each of the crates'. */
const FUNCTIONS: Readonly<Record<string, (asked: Asked) => Promise<unknown>>> = {
  verify_identity: identity,
  verify_bearer: identity,
  verify_authorization: authorization,
  verify_capability: authorization,
  verify_service_chain: authorization,
  delegate: ({ token, call, options }) => {
    const lifetimeMs = (call.duration ?? 0) * 1000;
    return delegateIdentity(token, { identity: call.identity ?? "" }, { ...options, lifetimeMs });
  },
  cap2_verify: ({ token, call, options }) => {
    const { resource = "", operation = "", subject, anchor, designations = [] } = call;
    const stated = designations.map(([label, value]) => ({ label, value }));
    const request = {
      resource,
      operation,
      designations: stated,
      ...given("subject", subject),
      ...given("anchor", anchor),
    };
    return verifyCapability(token, request, options);
  },
  context_verify: ({ token, call, options }) => verifyContext(token, { excludes: call.excludes ?? [] }, options),
  parse_token: ({ token, options }) => inspectToken(token, options),
};

async function refusalOf(work: () => Promise<unknown>): Promise<CountersignError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof CountersignError, inspect(error));
    return error;
  }
}

async function check(given: VectorCase, { call, now, root, result }: Judgement): Promise<void> {
  const options = { rootKey: PublicKey.parse(root), clock: clockAt(now) };
  const expected = result.strict ?? result.head;
  const judge = FUNCTIONS[call.fn];
  assert.ok(judge !== undefined && expected !== undefined);
  const refused = await refusalOf(() => judge({ token: given.token, call, options }));
  assert.equal(refused === undefined, expected.ok, inspect(refused));
  const codes = CODES[result.head?.error ?? ""];
  if (refused !== undefined && codes !== undefined) assert.ok(codes.includes(refused.code), inspect(refused));
}

async function checkInspection({ token, inspection }: VectorCase, { root, result }: Judgement): Promise<void> {
  const told = await inspectToken(token, { rootKey: PublicKey.parse(root) });
  const blocks = result.blocks ?? [];
  assert.deepEqual(
    told.revocationIds,
    blocks.map((block) => block.revocation_id),
  );
  assert.deepEqual(
    told.blocks.map((block) => block.externalKey ?? null),
    blocks.map((block) => block.external_key),
  );
  if (inspection === undefined) return;
  assert.ok(told.kind === "identity");
  const { subject, identity, isDelegated, expiresAt, domain } = told;
  assert.deepEqual(
    {
      subject,
      identity,
      delegated: isDelegated,
      expiry: (expiresAt ?? 0) / 1000,
      domain: domain ?? null,
      blocks: told.blocks.length,
    },
    inspection,
  );
}

/** `decode_token` reads text only, padded; ours reads text and bytes in one, padded or not. */
const LEFT_OUT = new Set(["decode_token"]);

describe("tokens that the Rust crates minted", { skip: withoutVectors }, () => {
  if (withoutVectors !== false) return;
  const { cases, keys } = readMinted();

  it("are all there", () => {
    assert.deepEqual([cases.length, cases.flatMap(({ verify }) => verify).length], [100, 461]);
  });

  for (const given of cases) {
    describe(given.name, () => {
      for (const judgement of given.verify) {
        const { call, now, result } = judgement;
        if (LEFT_OUT.has(call.fn)) continue;
        const { fn, nodes, ...rest } = call;
        const name = `${fn} ${JSON.stringify({ ...rest, nodes: nodes?.length })} at ${now}`;
        if (fn === "inspect") it(name, () => checkInspection(given, judgement));
        else it(name, () => check(given, judgement));
        if (result.labels !== undefined) {
          it(`${name}: labels`, async () => {
            const told = await verifyContext(
              given.token,
              {},
              { rootKey: PublicKey.parse(judgement.root), clock: clockAt(now) },
            );
            assert.deepEqual([...told.labels].sort(), [...(result.labels ?? [])].sort());
          });
        }
      }
    });
  }

  it("are refused by their text alone where it is not URL-safe base64", async () => {
    const forms = [
      "text-standard-alphabet",
      "text-newline-after",
      "text-space-before",
      "text-prefix-biscuit",
      "text-empty",
    ];
    for (const name of forms) {
      const vector = cases.find((given) => given.name === name);
      assert.ok(vector !== undefined);
      const refused = await refusalOf(() =>
        inspectToken(vector.token, { rootKey: PublicKey.parse(vector.rootPublicKey) }),
      );
      assert.equal(refused?.code, "token_malformed");
      assert.deepEqual(refused.data, { reason: "the text is not URL-safe base64" });
    }
  });

  it("keep their padding when they are written again", () => {
    for (const { token, name, kind } of cases) {
      if (kind === "malformed" || name === "text-unpadded") continue;
      assert.equal(Biscuit.parse(token).toBase64(), token);
    }
  });

  it("take an exposure from their issuer and from nobody else", async () => {
    const fresh = cases.find(({ name }) => name === "context-fresh");
    const stranger = keys.evil;
    assert.ok(fresh !== undefined && stranger !== undefined);
    const evil = await KeyPair.from(PrivateKey.parse(stranger.private));
    const refused = await refusalOf(() =>
      addExposure(fresh.token, { source: "s", labels: ["l"] }, evil, { clock: clockAt(1_800_000_000) }),
    );
    assert.equal(refused?.code, "token_signature");
  });
});

describe("tokens that the original service minted", { skip: withoutVectors }, () => {
  if (withoutVectors !== false) return;
  const { tokens, rootKey: text } = readServiceTokens();
  const rootKey = PublicKey.parse(text);
  const options = { rootKey, clock: clockAt(1_800_000_000) };
  const [cli0, cli1] = ["uri:urn:test:argo-cli0", "uri:urn:test:argo-cli1"];
  const tokenOf = (name: string): ShownToken => tokens.find((token) => token.name === name)?.token ?? "";
  const asking = (subject: string, resource: string, operation = "read") => ({ subject, resource, operation });

  it("hold for the subject, resource and operation of theirs, and for no other", async () => {
    const token = tokenOf("argo-cli0_access_resource1");
    await verifyAuthorization(token, asking(cli0, "resource1"), options);
    await verifyAuthorization(token, { ...asking("", "resource1"), subject: anySubject }, options);
    for (const request of [asking(cli1, "resource1"), asking(cli0, "resource2"), asking(cli0, "resource1", "write")]) {
      assert.equal((await refusalOf(() => verifyAuthorization(token, request, options)))?.code, "rights_denied");
    }
  });

  for (const resource of ["resource2", "resource3", "resource4", "order_service"]) {
    it(`hold for ${resource}`, async () => {
      await verifyAuthorization(tokenOf(`argo-cli1_access_${resource}`), asking(cli1, resource), options);
    });
  }

  it("end in 2125", async () => {
    const late = { rootKey, clock: clockAt(4_915_552_202) };
    const refused = await refusalOf(() =>
      verifyAuthorization(tokenOf("argo-cli1_access_resource2"), asking(cli1, "resource2"), late),
    );
    assert.equal(refused?.code, "token_expired");
  });

  it("pass the first service of their chain before anybody attested, and no other", async () => {
    const nodes = [
      { component: "auth_service", publicKey: orders.auth },
      { component: "payment_service", publicKey: orders.payment },
      { component: "order_service", publicKey: orders.order },
    ];
    const verdicts = await Promise.all(
      ["auth_service", "payment_service", "order_service", undefined].map(async (component) => {
        const request = { ...asking(cli1, "order_service"), serviceChain: { nodes, component } };
        return (await refusalOf(() => verifyAuthorization(tokenOf("argo-cli1_access_order_service"), request, options)))
          ?.code;
      }),
    );
    assert.deepEqual(verdicts, [undefined, ...Array(3).fill("service_chain_failed")]);
  });
});
