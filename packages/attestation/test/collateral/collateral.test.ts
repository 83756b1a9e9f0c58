import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  appraiseQuote,
  type Collateral,
  type CollateralSource,
  cacheCollateral,
  compilePolicy,
  type FetchCollateral,
  fetchCollateral,
  formatCollateral,
  parseCollateral,
  pcsCollateral,
  requestOf,
} from "../../src/index.ts";
import { createSimulatedPlatform } from "../../src/simulated/index.ts";
import { AT, SGX_POLICY } from "../support/forge.ts";

const platform = await createSimulatedPlatform({ at: AT });
const quote = await platform.sgxQuote(new Uint8Array(64));
const collateral = await platform.collateral("sgx");
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** What the service answers: content and header, by path. */
function answersOf(it: Collateral): Record<string, [body: string | Uint8Array, headers: Record<string, string>]> {
  const chain = (name: string, text: string) => ({ [name]: encodeURIComponent(text) });
  return {
    "/sgx/certification/v4/pckcrl?ca=platform&encoding=der": [
      it.pckCrl,
      chain("SGX-PCK-CRL-Issuer-Chain", it.pckCrlIssuerChain),
    ],
    "/sgx/certification/v4/tcb?fmspc=FFFFFFFFFFF0": [
      `{"tcbInfo":${it.tcbInfo},"signature":"${hex(it.tcbInfoSignature)}"}`,
      chain("TCB-Info-Issuer-Chain", it.tcbInfoIssuerChain),
    ],
    "/sgx/certification/v4/qe/identity": [
      `{"enclaveIdentity":${it.qeIdentity},"signature":"${hex(it.qeIdentitySignature)}"}`,
      chain("SGX-Enclave-Identity-Issuer-Chain", it.qeIdentityIssuerChain),
    ],
    "/sgx/certification/v4/rootcacrl": [hex(it.rootCaCrl).toUpperCase(), {}],
    "/IntelSGXRootCA.der": [it.rootCaCrl, {}],
  };
}

function service(change: (answers: ReturnType<typeof answersOf>) => void = () => {}) {
  const answers = answersOf(collateral);
  change(answers);
  const asked: string[] = [];
  const fetch: FetchCollateral = async (address) => {
    asked.push(address);
    const { pathname, search } = new URL(address);
    const [body, headers] = answers[pathname + search] ?? [];
    return new Response(body as string, { status: body === undefined ? 404 : 200, headers: headers ?? {} });
  };
  return { fetch, asked };
}

describe("fetchCollateral", () => {
  it("gets from Intel's service what verifies a quote", async () => {
    const { fetch, asked } = service();
    const got = await fetchCollateral(requestOf(quote), { fetch });
    assert.deepEqual(parseCollateral(formatCollateral(got)), parseCollateral(formatCollateral(collateral)));
    const policy = compilePolicy(SGX_POLICY);
    const { accepted } = await appraiseQuote(quote, { collateral: got, at: AT, policy, roots: [platform.root] });
    assert.equal(accepted, true);
    assert.ok(asked.every((address) => /^https:\/\/(api|certificates)\.trustedservices\.intel\.com\//.test(address)));
  });

  it("gets it from a PCCS as well, whose list of the root is in hexadecimal", async () => {
    const { fetch, asked } = service();
    const got = await pcsCollateral({ fetch, url: "https://pccs.example:8081/" }).collateralFor(quote);
    assert.deepEqual(got.rootCaCrl, new Uint8Array(collateral.rootCaCrl));
    assert.ok(asked.every((address) => address.startsWith("https://pccs.example:8081/sgx/")));
  });

  for (const [what, change, expected] of [
    ["no answer for this family", (it) => void delete it["/sgx/certification/v4/tcb?fmspc=FFFFFFFFFFF0"], /status 404/],
    [
      "an answer without its chain",
      (it) => void Object.assign(it, { "/sgx/certification/v4/qe/identity": ["{}", {}] }),
      /no enclaveIdentity|no SGX-Enclave/,
    ],
    [
      "an answer that is too large",
      (it) => void Object.assign(it, { "/IntelSGXRootCA.der": [new Uint8Array(5_000_000), {}] }),
      /larger than/,
    ],
    [
      "a chain that is not percent-encoded",
      (it) =>
        void Object.assign(it, {
          "/sgx/certification/v4/pckcrl?ca=platform&encoding=der": ["", { "SGX-PCK-CRL-Issuer-Chain": "%" }],
        }),
      /not percent-encoded/,
    ],
  ] as const satisfies readonly (readonly [string, (it: ReturnType<typeof answersOf>) => void, RegExp])[]) {
    it(`refuses ${what}`, async () => {
      const { fetch } = service(change);
      await assert.rejects(fetchCollateral(requestOf(quote), { fetch }), {
        name: "AttestationError",
        message: expected,
      });
    });
  }

  it("says that the service cannot be reached", async () => {
    const fetch: FetchCollateral = async () => Promise.reject(new TypeError("fetch failed"));
    await assert.rejects(fetchCollateral(requestOf(quote), { fetch }), { code: "network", message: /fetch failed/ });
  });

  it("H18: talks to no other machine without TLS", () => {
    const { fetch } = service();
    assert.throws(() => pcsCollateral({ fetch, url: "http://pccs.example" }), TypeError);
    assert.doesNotThrow(() => pcsCollateral({ fetch, url: "http://localhost:8081" }));
  });
});

describe("H18: cacheCollateral", () => {
  function world() {
    let now = AT;
    let fails = false;
    let calls = 0;
    const source: CollateralSource = {
      async collateralFor() {
        calls++;
        await Promise.resolve();
        if (fails) throw new Error("down");
        return collateral;
      },
    };
    const cache = cacheCollateral(source, { clock: { now: () => now } });
    return {
      cache,
      calls: () => calls,
      step: (ms: number) => {
        now += ms;
      },
      fail: (it: boolean) => {
        fails = it;
      },
    };
  }

  it("fetches once for many, and anew when what it has is old", async () => {
    const { cache, calls, step } = world();
    await Promise.all(Array.from({ length: 20 }, () => cache.collateralFor(quote)));
    assert.equal(calls(), 1);
    step(3 * 3_600_000);
    await cache.collateralFor(quote);
    assert.equal(calls(), 1);
    step(2 * 3_600_000);
    await cache.collateralFor(quote);
    assert.equal(calls(), 2);
  });

  it("gives what it has while the service is down, and asks rarely", async () => {
    const { cache, calls, step, fail } = world();
    await cache.collateralFor(quote);
    step(5 * 3_600_000);
    fail(true);
    assert.equal(await cache.collateralFor(quote), collateral);
    assert.equal(await cache.collateralFor(quote), collateral);
    assert.equal(calls(), 2);
    step(31_000);
    fail(false);
    await cache.collateralFor(quote);
    assert.equal(calls(), 3);
  });

  it("fails where it has nothing, and asks no more for a while", async () => {
    const { cache, calls, fail, step } = world();
    fail(true);
    await assert.rejects(cache.collateralFor(quote), /down/);
    await assert.rejects(cache.collateralFor(quote), /down/);
    assert.equal(calls(), 1);
    // A clock that was set back is no reason to be silent for longer.
    step(-60_000);
    fail(false);
    assert.equal(await cache.collateralFor(quote), collateral);
  });
});
