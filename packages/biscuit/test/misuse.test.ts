import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Authorizer,
  Biscuit,
  BiscuitError,
  BlockBuilder,
  datalog,
  fact,
  KeyPair,
  PrivateKey,
  PublicKey,
  restoreSnapshot,
  ThirdPartyBlock,
  ThirdPartyRequest,
  takeSnapshot,
  verifyToken,
  verifyTokenSync,
} from "@countersign/biscuit";
import { rootKey } from "./forge.ts";

// Plain JavaScript hands over what the types forbid.
// biome-ignore lint/suspicious/noExplicitAny: the point of these tests.
type Anything = any;

const token = Biscuit.builder().code(`user("alice");`).buildSync(rootKey);
const text = token.toBase64();
const authorizer = new Authorizer("allow if true;");
const parsed = Biscuit.parse(text);

const NOTHING: readonly unknown[] = [
  undefined,
  null,
  0,
  true,
  Symbol("s"),
  {},
  [],
  new Map(),
  () => 1,
  Promise.resolve(1),
];
const texts: readonly unknown[] = ["", "text", text, rootKey.publicKey.toString()];

/** Each call with everything that it does not take. */
const calls: Readonly<
  Record<string, { readonly call: (value: Anything) => unknown; readonly wrong: readonly unknown[] }>
> = {
  "Biscuit.parse": { call: (value) => Biscuit.parse(value), wrong: [...NOTHING, token, parsed, rootKey] },
  "verify(root)": { call: (value) => parsed.verify(value), wrong: [...NOTHING, ...texts, rootKey, rootKey.privateKey] },
  "verifySync(root)": { call: (value) => parsed.verifySync(value), wrong: [...NOTHING, ...texts, rootKey] },
  "verify(() => key)": {
    call: (value) => parsed.verify(() => value),
    wrong: [undefined, null, 0, {}, [], ...texts, rootKey],
  },
  "verifyToken(token)": { call: (value) => verifyToken(value, rootKey.publicKey), wrong: [...NOTHING, token] },
  "verifyTokenSync(…, root)": { call: (value) => verifyTokenSync(text, value), wrong: [...NOTHING, ...texts, rootKey] },
  authorize: { call: (value) => authorizer.authorize(value), wrong: [...NOTHING, ...texts, parsed, token.toBytes()] },
  evaluate: { call: (value) => authorizer.evaluate(value), wrong: [...NOTHING, ...texts, parsed] },
  "authorize(…, { facts })": {
    call: (value) => authorizer.authorize(token, { facts: value }),
    wrong: [null, 0, "time(1)", {}, fact("a", 1), ["a(1)"], [undefined], [fact], [{ name: 1, terms: [] }]],
  },
  "authorize(…, { code })": { call: (value) => authorizer.authorize(token, { code: value }), wrong: NOTHING.slice(1) },
  "new Authorizer": { call: (value) => new Authorizer(value), wrong: [...NOTHING.slice(1), token, fact("a", 1)] },
  "query(rule)": { call: (value) => authorizer.evaluate(token).query(value), wrong: [...NOTHING, token] },
  attenuate: { call: (value) => token.attenuate(value), wrong: NOTHING.slice(1) },
  attenuateSync: { call: (value) => parsed.attenuateSync(value), wrong: NOTHING.slice(1) },
  "build(key)": { call: (value) => Biscuit.builder().build(value), wrong: [...NOTHING, ...texts, rootKey.publicKey] },
  "builder.code": { call: (value) => new BlockBuilder().code(value), wrong: NOTHING },
  "builder.code(…, parameters)": { call: (value) => new BlockBuilder().code("a(1);", value), wrong: [null, 0, "x"] },
  "builder.facts": { call: (value) => new BlockBuilder().facts(value), wrong: [...NOTHING, "a(1)"] },
  fact: { call: (value) => fact(value, 1), wrong: NOTHING },
  "fact(…, term)": {
    call: (value) => fact("a", value),
    wrong: [undefined, Symbol("s"), {}, () => 1, Promise.resolve(1)],
  },
  datalog: { call: (value) => datalog(value), wrong: [...NOTHING.filter((value) => !Array.isArray(value)), "a(1);"] },
  "thirdParty(key)": {
    call: (value) => token.appendThirdParty(value, "AA=="),
    wrong: [...NOTHING, ...texts, rootKey],
  },
  "thirdParty(…, block)": { call: (value) => token.appendThirdParty(rootKey.publicKey, value), wrong: NOTHING },
  "createBlock(key)": {
    call: (value) => token.thirdPartyRequest().createBlock(value, "a(1);"),
    wrong: [...NOTHING, ...texts, rootKey.publicKey],
  },
  "ThirdPartyRequest.parse": { call: (value) => ThirdPartyRequest.parse(value), wrong: [...NOTHING, token] },
  "ThirdPartyBlock.parse": { call: (value) => ThirdPartyBlock.parse(value), wrong: [...NOTHING, token] },
  takeSnapshot: { call: (value) => takeSnapshot(value), wrong: [...NOTHING, token, authorizer.authorize(token)] },
  restoreSnapshot: { call: (value) => restoreSnapshot(value), wrong: [...NOTHING, authorizer.evaluate(token)] },
  "PublicKey.parse": { call: (value) => PublicKey.parse(value), wrong: [...NOTHING, "", rootKey.publicKey.toPem()] },
  "PublicKey.fromPem": { call: (value) => PublicKey.fromPem(value), wrong: [...NOTHING, ...texts] },
  "PublicKey.fromDer": { call: (value) => PublicKey.fromDer(value), wrong: [...NOTHING, ...texts] },
  "PublicKey.fromBytes": { call: (value) => PublicKey.fromBytes("ed25519", value), wrong: [...NOTHING, ...texts] },
  "PublicKey.fromBytes(algorithm)": {
    call: (value) => PublicKey.fromBytes(value, rootKey.publicKey.toBytes()),
    wrong: [...NOTHING, "Ed25519", "toString"],
  },
  "PublicKey.fromJwk": { call: (value) => PublicKey.fromJwk(value), wrong: [...NOTHING, ...texts] },
  "PrivateKey.parse": { call: (value) => PrivateKey.parse(value), wrong: [...NOTHING, rootKey.publicKey.toString()] },
  "PrivateKey.fromBytes": { call: (value) => PrivateKey.fromBytes("ed25519", value), wrong: [...NOTHING, ...texts] },
  "PrivateKey.fromPem": { call: (value) => PrivateKey.fromPem(value), wrong: [...NOTHING, ...texts] },
  "PrivateKey.fromDer": { call: (value) => PrivateKey.fromDer(value), wrong: [...NOTHING, ...texts] },
  "KeyPair.generate": { call: (value) => KeyPair.generate(value), wrong: [null, 0, {}, "Ed25519", "P-256"] },
  "KeyPair.from": { call: (value) => KeyPair.from(value), wrong: [...NOTHING, ...texts, rootKey.publicKey] },
};

const says = (error: unknown): string => {
  assert.ok(error instanceof BiscuitError, String(error));
  assert.ok(!error.message.includes(text) && !error.message.includes(rootKey.publicKey.toString()), error.message);
  assert.match(error.message, /^[A-Z].{15,}/s);
  return error.message;
};

describe("what plain JavaScript gets wrong", () => {
  for (const [name, { call, wrong }] of Object.entries(calls)) {
    it(`${name} refuses with a BiscuitError`, async () => {
      for (const value of wrong) {
        await assert.rejects(
          async () => call(value),
          (error) => says(error) !== "",
          typeof value === "string" ? value : Object.prototype.toString.call(value),
        );
      }
    });
  }

  const hints: readonly (readonly [name: string, call: () => unknown, code: string, message: RegExp])[] = [
    [
      "a token not verified",
      () => authorizer.authorize(parsed as Anything),
      "not_verified",
      /await token\.verify\(rootKey\)/,
    ],
    [
      "a forgotten await",
      () => authorizer.authorize(parsed.verify(rootKey.publicKey) as Anything),
      "not_awaited",
      /await it/,
    ],
    ["a lost token", () => authorizer.authorize(undefined as Anything), "wrong_argument", /authorizeWithoutToken/],
    [
      "a key as text",
      () => parsed.verifySync(`${rootKey.publicKey}` as Anything),
      "wrong_argument",
      /PublicKey\.parse/,
    ],
    ["a pair as a root key", () => parsed.verifySync(rootKey as Anything), "wrong_argument", /pair\.publicKey/],
    ["no token at all", () => Biscuit.parse(undefined as Anything), "wrong_argument", /undefined .* bytes or base64/],
    ["PEM as key text", () => PublicKey.parse(rootKey.publicKey.toPem()), "unsupported_algorithm", /fromPem/],
  ];
  for (const [name, call, code, message] of hints) {
    it(`${name}: ${code}, with what to do`, () => {
      assert.throws(
        call,
        (error) => error instanceof BiscuitError && error.code === code && message.test(error.message),
      );
    });
  }
});

describe("Decision", () => {
  const denied = new Authorizer("deny if true;").authorize(token);

  it("throws from assertAllowed when it denies, and is itself when it allows", () => {
    assert.throws(
      () => denied.assertAllowed(),
      (error) => error instanceof BiscuitError && error.code === "unauthorized",
    );
    const allowed = authorizer.authorize(token);
    assert.equal(allowed.assertAllowed(), allowed);
  });

  it("is no boolean and no number, and says so", () => {
    const values: readonly (() => unknown)[] = [
      // biome-ignore lint/suspicious/noDoubleEquals: what a mistake looks like.
      () => (denied as Anything) == true,
      () => +(denied as Anything),
      () => (denied as Anything) > 0,
    ];
    for (const use of values) {
      assert.throws(use, (error) => error instanceof BiscuitError && error.code === "decision_as_value");
    }
    assert.equal(`${denied}`, "Decision(denied)");
    assert.equal(JSON.parse(JSON.stringify(denied)).allowed, false);
  });

  it("without a token is asked for by name", () => {
    assert.equal(authorizer.authorizeWithoutToken().allowed, true);
    assert.equal(authorizer.evaluateWithoutToken({ facts: [fact("a", 1)] }).query("b($x) <- a($x)").length, 1);
  });
});

describe("errors of expressions", () => {
  const rows: readonly (readonly [authority: string, authorizer: string, message: string])[] = [
    [
      "check if time($t), $t < 2030-01-01T00:00:00Z;",
      'time("now"); allow if true;',
      "Cannot apply < to string and date, in the expression $t < 2030-01-01T00:00:00Z of check 0 of block 0: " +
        "check if time($t), $t < 2030-01-01T00:00:00Z",
    ],
    [
      'a(1); check if true; check if a($x), $x == 1, $x.starts_with("a");',
      "allow if true;",
      'Cannot apply .starts_with() to integer and string, in the expression $x.starts_with("a") of check 1 of block 0: ' +
        'check if a($x), $x == 1, $x.starts_with("a")',
    ],
    [
      "a(1);",
      "allow if false; allow if a($x), $x + 1;",
      "Cannot take a value of type integer for true or false, in the expression $x + 1 of policy 1 of the authorizer: " +
        "allow if a($x), $x + 1",
    ],
    [
      "a(9223372036854775807); b($x) <- a($x), $x + 1 > 0;",
      "allow if true;",
      "Cannot hold the result of integer arithmetic in 64 bits, in the expression $x + 1 > 0 of rule 0 of block 0: " +
        "b($x) <- a($x), $x + 1 > 0",
    ],
    [
      "a([1]);",
      "check if a($x), !$x; allow if true;",
      "Cannot apply ! to array, in the expression !$x of check 0 of the authorizer: check if a($x), !$x",
    ],
    [
      "a(1); check if a($x), $x.any($p -> true) || false;",
      "allow if true;",
      "Cannot apply .any() to integer and a closure, in the expression $x.any($p -> true) || false of check 0 of block 0: " +
        "check if a($x), $x.any($p -> true) || false",
    ],
    [
      'check if 1.type().length() === "a";',
      "allow if true;",
      'Cannot apply === to integer and string, in the expression 1.type().length() === "a" of check 0 of block 0: ' +
        'check if 1.type().length() === "a"',
    ],
  ];
  for (const [code, policy, message] of rows) {
    it(message, () => {
      const { error } = new Authorizer(policy).authorize(Biscuit.builder().code(code).buildSync(rootKey));
      assert.equal(error?.message, message);
    });
  }

  it("name the query that failed", () => {
    const evaluation = authorizer.evaluate(token);
    assert.throws(() => evaluation.query("a($x) <- user($x), $x > 1"), {
      message: "Cannot apply > to string and integer, in the expression $x > 1 of the query: a($x) <- user($x), $x > 1",
    });
  });

  it("leave out the text where there is no fuel to print it", () => {
    const list = `[${Array.from({ length: 500 }, (_, i) => i).join(", ")}]`;
    const check = Biscuit.builder().code(`check if ${list} > 1;`).buildSync(rootKey);
    const { error } = new Authorizer("allow if true;", { limits: { fuel: 2000 } }).authorize(check);
    assert.equal(error?.message, "Cannot apply > to array and integer, in check 0 of block 0");
    assert.equal(error?.code, "invalid_type");
  });
});
