import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { KeyPair } from "@countersign/biscuit";
import { systemClock } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { type ClientOptions, Countersign, SdkError } from "../src/index.ts";
import { type Answer, testAuthority } from "./support/authority.ts";
import { alice, testTls } from "./support/tls.ts";

const tls = testTls();
const realNow = { now: () => systemClock.now(), monotonic: () => systemClock.monotonic() };
const [finance, risk, stranger] = [
  await KeyPair.generate(),
  await KeyPair.generate("secp256r1"),
  await KeyPair.generate(),
];

type Instead = (path: string, body: string) => Answer | Promise<Answer> | undefined;

const open: { close(): unknown }[] = [];
after(() => Promise.all(open.map((one) => one.close())));

interface Wishes {
  /** What the service of the second party answers in place of its signoff. */
  readonly instead?: Instead;
  /** The key that the service of the second party signs with. @default the one that the token names */
  readonly signsWith?: KeyPair;
  /** Leaves the second party out of those that the authority names. */
  readonly forgets?: boolean;
  readonly options?: ClientOptions;
}

/** An authority and the services of two parties, each an authority of its own. */
async function setUp({ instead, signsWith = risk, forgets = false, options = {} }: Wishes = {}) {
  const services: { readonly address: string }[] = [];
  const at = (index: number) => (): string => `https://${services[index]?.address}/approvals`;
  const parties = [
    { component: "finance", publicKey: finance.publicKey, at: at(0) },
    { component: "risk", publicKey: risk.publicKey, at: at(1) },
  ];
  const may = [[alice, "pay"]] as const;
  const authority = await testAuthority({ tls, resources: { payments: { may, parties } } });
  const rootKey = authority.root;
  const signers = [
    await testAuthority({ tls, signsAs: { component: "finance", key: finance, rootKey } }),
    await testAuthority({ tls, signsAs: { component: "risk", key: signsWith, rootKey }, ...(instead && { instead }) }),
  ];
  services.push(...signers);
  const { cert: mtlsCert, key: mtlsKey } = tls.client;
  const config = { baseUrl: authority.address, serverCa: tls.ca, mtlsCert, mtlsKey };
  const client = await new Countersign(config, options).withSetup();
  open.push(client, authority, ...signers);
  const ask = async (): Promise<string> => {
    const { pendingSignoffs = [], ...response } = await client.requestToken("payments", "pay");
    const pending = forgets ? pendingSignoffs.slice(0, 1) : pendingSignoffs;
    return client.collectSignoffs({ ...response, pendingSignoffs: pending }, "payments", "pay");
  };
  return { client, authority, signers, ask, config };
}

const is = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SdkError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

describe("requestTokenWithSignoffs()", () => {
  it("gives a token that all parties have signed off", async () => {
    const { client, signers } = await setUp();
    const { token: pending = "" } = await client.requestToken("payments", "pay");
    await assert.rejects(client.verifyTokenLocal(pending, alice, "payments", "pay"), is("signoff_missing", /finance/));
    const token = await client.requestTokenWithSignoffs("payments", "pay");
    await client.verifyTokenLocal(token, alice, "payments", "pay");
    assert.deepEqual(
      signers.map(({ seen }) => seen.map(({ path }) => path)),
      [["/sign_token"], ["/sign_token"]],
    );
  });

  it("works where the public key is not known", async () => {
    const { client, config } = await setUp();
    const unknowing = new Countersign(config);
    open.unshift(unknowing);
    const token = await unknowing.requestTokenWithSignoffs("payments", "pay");
    await client.verifyTokenLocal(token, alice, "payments", "pay");
  });
});

const answering =
  (body: unknown, status = 200): Instead =>
  () => ({ status, body });
const echo: Instead = (_, body) => ({
  status: 200,
  body: { response_msg: "signed", signed_token: JSON.parse(body).token },
});

const refusals: readonly (readonly [name: string, wishes: Wishes, code: string, message: RegExp])[] = [
  [
    "signs nothing",
    { instead: answering({ response_msg: "not today", signed_token: null }) },
    "invalid_signoff_response",
    /^Invalid signoff response: risk: No signed token returned: not today$/,
  ],
  [
    "gives the token back as it was",
    { instead: echo },
    "invalid_signoff_response",
    /risk: the token lacks the signoff/,
  ],
  ["signs with another key", { signsWith: stranger }, "invalid_signoff_response", /risk: the token lacks the signoff/],
  [
    "gives what is no token",
    { instead: answering({ response_msg: "signed", signed_token: "AAAA" }) },
    "invalid_signoff_response",
    /risk: the answer is no token of the authority/,
  ],
  [
    "refuses",
    { instead: answering({ response_msg: "no" }, 403) },
    "signoff_failed",
    /^Signoff failed: risk: .*403 - no$/,
  ],
  ["is not named by the authority", { forgets: true }, "incomplete_signoffs", /: 1 signoffs remaining$/],
];

describe("collectSignoffs()", () => {
  for (const [name, wishes, code, message] of refusals) {
    it(`refuses when a party ${name}`, async () => {
      const { ask } = await setUp(wishes);
      await assert.rejects(ask(), is(code, message));
    });
  }

  it("refuses another token that is signed off", async () => {
    const earlier: string[] = [];
    const instead: Instead = () => {
      const [signed_token] = earlier;
      return signed_token === undefined ? undefined : { status: 200, body: { response_msg: "signed", signed_token } };
    };
    const { client, ask } = await setUp({ instead });
    earlier.push(await client.requestTokenWithSignoffs("payments", "pay"));
    await assert.rejects(ask(), is("invalid_signoff_response", /another token than the one that was sent/));
  });

  it("refuses the signoff of a party of which the authority names another key than the token does", async () => {
    const { client } = await setUp();
    const { pendingSignoffs = [], ...response } = await client.requestToken("payments", "pay");
    const named = pendingSignoffs.map((party) => ({ ...party, publicKey: stranger.publicKey.toString() }));
    const collected = client.collectSignoffs({ ...response, pendingSignoffs: named }, "payments", "pay");
    await assert.rejects(collected, is("invalid_signoff_response", /finance: the token lacks the signoff by the key/));
  });

  it("refuses an answer without a token", async () => {
    const { client } = await setUp();
    const response = { responseMsg: "denied" };
    await assert.rejects(
      client.collectSignoffs(response, "payments", "pay"),
      is("no_token", /No initial token .*denied/),
    );
  });

  it("ends when a party takes too long, and when all of them do", async () => {
    const spans = [
      { timeoutMs: 1000, code: "signoff_failed" },
      { totalTimeoutMs: 1000, code: "timed_out" },
    ];
    for (const { code, ...bounds } of spans) {
      const clock = new FakeClock();
      const asked = Promise.withResolvers<void>();
      const instead: Instead = () => {
        asked.resolve();
        return new Promise<Answer>(() => {});
      };
      // The tokens of this authority live by the clock of this machine.
      const { client } = await setUp({
        instead,
        options: { clock: { ...realNow, sleep: (...call) => clock.sleep(...call) } },
      });
      const late = assert.rejects(client.requestTokenWithSignoffs("payments", "pay", bounds), is(code, /1000 ms/));
      await asked.promise;
      await clock.advance(1000);
      await late;
    }
  });
});
