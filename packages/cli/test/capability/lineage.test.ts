import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KeyPair } from "@countersign/biscuit";
import {
  attestService,
  delegateIdentity,
  inspectToken,
  mintAuthorization,
  mintIdentity,
  narrowToken,
  signOff,
} from "@countersign/protocol/capability";
import { FakeClock } from "@countersign/protocol/testing";
import { lineageOf, treeLines } from "../../src/capability/lineage.ts";
import { standingOf } from "../../src/capability/spans.ts";

const clock = new FakeClock();
const root = await KeyPair.generate();
const gateway = await KeyPair.generate();
const options = { rootKey: root.publicKey, clock };
const alice = "urn:example:alice";

async function below(token: string, identity: string, minutes: number): Promise<string> {
  const made = await delegateIdentity(token, { identity }, { ...options, lifetimeMs: minutes * 60_000 });
  return made.toBase64();
}

const drawn = async (tokens: Readonly<Record<string, string>>) =>
  lineageOf(
    await Promise.all(
      Object.entries(tokens).map(async ([name, token]) => ({ name, inspection: await inspectToken(token, options) })),
    ),
  );

describe("the tree of tokens", () => {
  it("joins tokens at the blocks that they share, and ends each branch with its earliest end", async () => {
    const identity = (
      await mintIdentity(root, { subject: alice, delegatable: true }, { clock, lifetimeMs: 3_600_000 })
    ).toBase64();
    const agent = await below(identity, `${alice}:agent`, 10);
    const search = await below(agent, `${alice}:agent:search`, 30);
    const laptop = await below(identity, `${alice}:"laptop"`, 120);
    const sent = (await narrowToken(search, options)).toBase64();
    const tree = await drawn({ search, default: identity, laptop, sent, agent });
    assert.deepEqual(treeLines(tree, clock.now()), [
      `${alice}  ends in 1 hour  [default]`,
      `├─ ${alice}:agent  ends in 10 minutes  [agent]`,
      `│  └─ ${alice}:agent:search  ends in 10 minutes  [search]`,
      `│     └─ shortened  ends in 5 seconds  [sent]`,
      `└─ ${alice}:"laptop"  ends in 1 hour  [laptop]`,
    ]);
    const later = treeLines(tree, clock.now() + 600_000);
    assert.equal(later[1], `├─ ${alice}:agent  expired 0 seconds ago  [agent]`);
  });

  it("keeps tokens of other authority blocks apart", async () => {
    const mint = async () => (await mintIdentity(root, { subject: alice }, { clock })).toBase64();
    assert.equal((await drawn({ one: await mint(), two: await mint() })).length, 2);
  });

  it("says who attested and signed off", async () => {
    const parties = [{ component: "finance", publicKey: gateway.publicKey }];
    const right = { subject: alice, resource: "payments", operation: "pay", parties };
    const token = await mintAuthorization(root, right, { clock });
    const attested = await attestService(token.toBase64(), { service: "payments", key: gateway }, options);
    const signed = await signOff(attested.toBase64(), { component: "finance", key: gateway }, options);
    const tree = await drawn({ payment: signed.toBase64() });
    assert.deepEqual(treeLines(tree, clock.now()), [
      `authorization: ${alice} pay payments  ends in 5 minutes`,
      "└─ attested for payments  ends in 5 minutes",
      "   └─ signed off by finance  ends in 5 minutes  [payment]",
    ]);
    assert.equal(tree[0]?.children[0]?.signed_by, gateway.publicKey.toString());
  });
});

describe("standingOf", () => {
  for (const [left, expected] of [
    [1, "in 1 second"],
    [59, "in 59 seconds"],
    [60, "in 1 minute"],
    [3599, "in 59 minutes"],
    [7200, "in 2 hours"],
    [86_400, "in 1 day"],
    [0, "0 seconds ago"],
    [-61, "1 minute ago"],
  ] as const) {
    it(`says ${expected}`, () => {
      const standing = standingOf(1_800_000_000_000 + left * 1000, 1_800_000_000_900);
      assert.deepEqual([standing.status, standing.expires_in_human], [left > 0 ? "valid" : "expired", expected]);
    });
  }
});
