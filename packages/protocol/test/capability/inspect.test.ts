import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Biscuit, KeyPair } from "@countersign/biscuit";
import { appendOwn } from "../../src/capability/append.ts";
import {
  addExposure,
  attestCapability,
  attestService,
  authenticateIdentity,
  delegateIdentity,
  inspectToken,
  mintAuthorization,
  mintCapability,
  mintContext,
  mintIdentity,
  narrowToken,
  restrictPrefix,
  signOff,
  verifyContext,
  verifyPendingAuthorization,
} from "../../src/capability/index.ts";
import { alice, at, chain, keys, parties, publicKey, right, rootKey, T0 } from "./fixtures.ts";

const open = { rootKey };

/** Names that printed source would not give back. */
const names = [
  `${alice}:"`,
  `${alice}:\\`,
  `${alice}:zo\u00eb+"x"`,
  `${alice}:" || $a.starts_with("`,
  `${alice}:$a == "urn:x:bob"`,
  `${alice}:\u202eevil`,
  `${alice}:{identity}`,
  `${alice}:\u{1f511}`,
  `${alice}://*;--`,
];

describe("inspectToken", () => {
  for (const identity of names) {
    it(`names the delegate exactly: ${JSON.stringify(identity)}`, async () => {
      const token = await mintIdentity(keys.root, { subject: alice, delegatable: true }, at());
      const delegated = await delegateIdentity(token.toBytes(), { identity }, at());
      const told = await inspectToken(delegated.toBytes(), open);
      assert.ok(told.kind === "identity");
      assert.deepEqual([told.subject, told.identity, told.isDelegated], [alice, identity, true]);
      assert.deepEqual(told.blocks[1]?.role === "delegation" && told.blocks[1].identity, identity);
      assert.equal((await authenticateIdentity(delegated.toBytes(), {}, at())).actor, identity);
    });
  }

  for (const subject of names) {
    it(`names the subject exactly: ${JSON.stringify(subject)}`, async () => {
      const told = await inspectToken((await mintIdentity(keys.root, { subject }, at())).toBytes(), open);
      assert.ok(told.kind === "identity");
      assert.deepEqual(
        [told.subject, told.identity, told.isDelegated, told.isDelegatable],
        [subject, subject, false, false],
      );
    });
  }

  it("gives the earliest end of all blocks", async () => {
    const token = await mintIdentity(
      keys.root,
      { subject: alice, delegatable: true },
      { ...at(), lifetimeMs: 600_000 },
    );
    const short = await delegateIdentity(token.toBytes(), { identity: alice }, { ...at(), lifetimeMs: 60_000 });
    const long = await delegateIdentity(short.toBytes(), { identity: alice }, { ...at(), lifetimeMs: 3_600_000 });
    const told = await inspectToken(long.toBytes(), open);
    assert.equal(told.expiresAt, (T0 + 60) * 1000);
    assert.deepEqual(
      told.blocks.map(({ expiresAt }) => (expiresAt ?? 0) / 1000 - T0),
      [600, 60, 3600],
    );
  });

  it("tells a token that has expired, and takes a shortened one for no delegate", async () => {
    const token = await narrowToken((await mintIdentity(keys.root, { subject: alice }, at())).toBytes(), at());
    const told = await inspectToken(token.toBytes(), { rootKey });
    assert.ok(told.kind === "identity");
    assert.deepEqual([told.isDelegated, told.blocks[1]?.role, told.expiresAt], [false, "narrowing", (T0 + 5) * 1000]);
  });

  it("says that nobody can be named below a delegate who may not delegate", async () => {
    const token = await mintIdentity(keys.root, { subject: alice, delegatable: true }, at());
    const last = await appendOwn(token, [["check if actor($a), $a == {laptop};", { laptop: `${alice}:laptop` }]], {});
    const told = await Promise.all([token, last].map((each) => inspectToken(each.toBytes(), open)));
    assert.deepEqual(
      told.map((each) => each.kind === "identity" && [each.identity, each.isDelegatable]),
      [
        [alice, true],
        [`${alice}:laptop`, false],
      ],
    );
  });

  it("takes a block that says nothing for no narrowing", async () => {
    const token = await appendOwn(await mintIdentity(keys.root, { subject: alice }, at()), [], {});
    const told = await inspectToken(token.toBytes(), open);
    assert.deepEqual(
      told.blocks.map(({ role }) => role),
      ["authority", "other"],
    );
  });

  it("takes a check of another form for no end and for no delegate", async () => {
    const token = await mintIdentity(keys.root, { subject: alice, delegatable: true }, at());
    const code = [
      "check if time($t), $t < 1, $t > 2;",
      "check if time($t), $t < 1 or time($t), $t > 2;",
      "check if time($t), $t <= 1;",
      "check if time($t), 1 < $t;",
      "check all time($t), $t < 1;",
      `check if actor($a), $a == "urn:x:bob", $a != "x";`,
      `check if actor($a), $a == "urn:x:bob" || $a.starts_with("urn:x:eve:");`,
      `check if actor($a), $a != "urn:x:bob";`,
      `check if actor($a), subject($s), $a == $s;`,
      `check if actor($a), $a.starts_with("urn:x:bob");`,
      `check if actor("urn:x:bob");`,
    ];
    const told = await inspectToken((await appendOwn(token, [[code.join("\n"), {}]], {})).toBytes(), open);
    assert.ok(told.kind === "identity");
    assert.deepEqual([told.identity, told.isDelegated, told.expiresAt], [alice, false, (T0 + 300) * 1000]);
  });

  it("tells what an authorization token grants, and what is still missing", async () => {
    const content = { ...right, domain: "corp", prefixKey: publicKey("prefix"), serviceChain: chain, parties };
    const token = await mintAuthorization(keys.root, content, { ...at(), rootKeyId: 7 });
    const restricted = await restrictPrefix(token.toBytes(), { prefix: "t/1/", key: keys.prefix }, open);
    const attested = await attestService(restricted.toBytes(), { service: "invoices", key: keys.orders }, open);
    const signed = await signOff(attested.toBytes(), { component: "risk.example", key: keys.risk }, open);
    const told = await inspectToken(signed.toBytes(), open);
    assert.ok(told.kind === "authorization");
    assert.deepEqual(told.rights, [right]);
    assert.deepEqual([told.domain, told.prefixKey, told.prefixes], ["corp", publicKey("prefix").toString(), ["t/1/"]]);
    assert.deepEqual(
      told.serviceChain.map(({ component, isAttested }) => [component, isAttested]),
      [
        ["gateway", false],
        ["orders", true],
        ["ledger", false],
      ],
    );
    assert.deepEqual(
      told.parties.map(({ component, isSigned }) => [component, isSigned]),
      [
        ["finance.example", false],
        ["risk.example", true],
      ],
    );
    assert.deepEqual(
      told.blocks.map(({ role }) => role),
      ["authority", "prefix", "attestation", "signoff"],
    );
    assert.deepEqual([told.rootKeyId, told.isSealed, told.revocationIds.length], [7, false, 4]);
  });

  it("takes no stranger's word for a signoff or an attestation", async () => {
    const token = await mintAuthorization(keys.root, { ...right, serviceChain: chain, parties }, at());
    const signed = await signOff(token.toBytes(), { component: "finance.example", key: keys.stranger }, open);
    const attested = await attestService(signed.toBytes(), { service: "invoices", key: keys.stranger }, open);
    const told = await inspectToken(attested.toBytes(), open);
    assert.ok(told.kind === "authorization");
    assert.ok(told.parties.every(({ isSigned }) => !isSigned));
    assert.ok(told.serviceChain.every(({ isAttested }) => !isAttested));
  });

  it("tells the kinds apart", async () => {
    const kinds = [
      mintIdentity(keys.root, { subject: alice }, at()),
      mintAuthorization(keys.root, right, at()),
      mintCapability(keys.root, right, at()),
      mintContext(keys.root, { subject: alice }, at()),
      Biscuit.builder().code(`user("alice");`).build(keys.root),
    ];
    const told = await Promise.all(kinds.map(async (token) => inspectToken((await token).toBytes(), open)));
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ["identity", "authorization", "capability", "context", "unknown"],
    );
  });

  it("tells activations and designations", async () => {
    const token = await mintCapability(keys.root, { ...right, activationKey: publicKey("activator") }, at());
    const activated = await attestCapability(token.toBytes(), { key: keys.activator, activate: true }, at());
    const states = [{ label: "facet", value: "f-1" }];
    const stated = await attestCapability(activated.toBytes(), { key: keys.activator, states }, at());
    const told = await inspectToken(stated.toBytes(), open);
    assert.deepEqual(
      told.blocks.map(({ role }) => role),
      ["authority", "activation", "designation"],
    );
  });
});

describe("verifyContext", () => {
  it("tells what the issuer recorded, and nothing that a holder added", async () => {
    const issuer = KeyPair.fromSync(keys.root);
    const token = await mintContext(keys.root, { subject: alice }, at());
    const exposed = await addExposure(token.toBytes(), { source: "mail", labels: ["PII"] }, issuer, at());
    const claimed = await exposed.attenuate(`exposed_label("harmless"); exposure_source("nowhere");`);
    const told = await verifyContext(claimed.toBytes(), {}, at());
    assert.deepEqual([told.subject, told.labels, told.sources], [alice, ["PII"], ["mail"]]);
    const [, exposure] = (await inspectToken(exposed.toBytes(), open)).blocks;
    assert.deepEqual(exposure?.role === "exposure" && [exposure.labels, exposure.sources], [["PII"], ["mail"]]);
  });
});

describe("verifyPendingAuthorization", () => {
  it("names the parties that have not signed off, in the order of the token", async () => {
    const token = await mintAuthorization(keys.root, { ...right, parties }, at());
    const asked = async (each: Biscuit) => {
      const { missing, verified } = await verifyPendingAuthorization(each.toBytes(), right, at());
      assert.equal(verified.expiresAt, (T0 + 300) * 1000);
      return missing.map(({ component, publicKey: key }) => [component, key]);
    };
    const finance = ["finance.example", publicKey("finance").toString()];
    const risk = ["risk.example", publicKey("risk").toString()];
    assert.deepEqual(await asked(token), [finance, risk]);
    const once = await signOff(token.toBytes(), { component: "risk.example", key: keys.risk }, open);
    assert.deepEqual(await asked(once), [finance]);
    const twice = await signOff(once.toBytes(), { component: "finance.example", key: keys.finance }, open);
    assert.deepEqual(await asked(twice), []);
  });
});
