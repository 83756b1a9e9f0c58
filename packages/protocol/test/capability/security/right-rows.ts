import { Biscuit, type BlockInput, type PrivateKey } from "@countersign/biscuit";
import { appendExternal, appendOwn } from "../../../src/capability/append.ts";
import {
  type AuthorizationRequest,
  anySubject,
  type ChainRequest,
  type Component,
  mintAuthorization,
  mintContext,
  mintIdentity,
  restrictPrefix,
  verifyAuthorization,
  verifyCapability,
  verifyContext,
  verifyIdentity,
} from "../../../src/capability/index.ts";
import { alice, at, chain, keys, parties, publicKey, right, rootKey, T0 } from "../fixtures.ts";
import type { Row } from "./case.ts";

const open = { rootKey };
const verify = (token: Biscuit, request: Partial<AuthorizationRequest> = {}): Promise<unknown> =>
  verifyAuthorization(token.toBytes(), { ...right, ...request }, at());

const only = (component: string, key: Component["publicKey"]): ChainRequest => ({
  nodes: [{ component, publicKey: key }],
});

/** A plain token with a block of the holder's own, or of a stranger. */
async function widened(code: string, request: Partial<AuthorizationRequest>, key?: PrivateKey): Promise<unknown> {
  const token = await mintAuthorization(keys.root, { ...right, parties, serviceChain: chain }, at());
  const added = await (key === undefined
    ? appendOwn(token, [[code, {}]], {})
    : appendExternal(token, [[code, {}]], {}, key));
  return verify(added, request);
}

const stub = (): Promise<Biscuit> => mintAuthorization(keys.root, { ...right, prefixKey: publicKey("prefix") }, at());

async function restricted(key: PrivateKey, prefix: string, stated?: string): Promise<unknown> {
  const token = await restrictPrefix((await stub()).toBytes(), { prefix, key }, open);
  return verify(token, stated === undefined ? {} : { prefix: stated });
}

/** A token of a version before 0.4 of the crates: a right, and a check of the time only. */
const legacy = (code = ""): Promise<Biscuit> =>
  Biscuit.builder()
    .code(`right({subject}, {resource}, {operation}); check if time($time), $time < {end};${code}`, {
      ...right,
      end: T0 + 300,
    })
    .build(keys.root);

const bomb = async (block: BlockInput): Promise<unknown> => verify(await (await legacy()).attenuate(block));
const facts = Array.from({ length: 60 }, (_, i) => `f(${i});`).join("");

const malformedKeys: readonly (readonly [why: string, key: string])[] = [
  ["no algorithm", "ab".repeat(32)],
  ["unknown algorithm", `rsa/${"ab".repeat(32)}`],
  ["three parts", `ed25519/${"ab".repeat(32)}/00`],
  ["too short", `ed25519/${"ab".repeat(16)}`],
  ["not hexadecimal", `ed25519/${"zz".repeat(32)}`],
  ["small order", `ed25519/${"00".repeat(32)}`],
  ["identity", `ed25519/01${"00".repeat(31)}`],
  ["P-256 of the length of Ed25519", `secp256r1/${"ab".repeat(32)}`],
  ["off the curve", `secp256r1/02${"4".padStart(64, "0")}`],
  ["uncompressed", `secp256r1/04${"ab".repeat(64)}`],
  ["empty", ""],
  ["blank before", ` ed25519/${"ab".repeat(32)}`],
];

/** Attacks on what authorization tokens grant. */
export const rightRows: readonly Row[] = [
  ...malformedKeys.map(([why, key]): Row => {
    return {
      id: `G8 key ${why}`,
      build: async () => verify(await legacy(), { serviceChain: only("gateway", key) }),
      expect: "invalid_public_key",
    };
  }),
  {
    id: "G8 minted with a malformed key",
    build: () => mintAuthorization(keys.root, { ...right, prefixKey: "ed25519/00" }, at()),
    expect: "invalid_public_key",
  },
  {
    id: "G9 holder adds a right",
    build: () => widened(`right("${alice}", "invoices", "write");`, { operation: "write" }),
    expect: "rights_denied",
  },
  {
    id: "G9 stranger adds a right",
    build: () => widened(`right("${alice}", "invoices", "write");`, { operation: "write" }, keys.stranger),
    expect: "rights_denied",
  },
  {
    id: "G9 holder adds a right to a token of any subject",
    build: () => widened(`right("urn:x:bob", "invoices", "write");`, { subject: anySubject, operation: "write" }),
    expect: "rights_denied",
  },
  {
    id: "G9 holder names another subject, resource and operation",
    build: () => widened(`subject("${alice}"); resource("invoices"); operation("read");`, { subject: "urn:x:bob" }),
    expect: "rights_denied",
  },
  {
    id: "G9 holder derives rights from anything",
    build: () => widened(`right($s, $r, $o) <- subject($s), resource($r), operation($o);`, { operation: "write" }),
    expect: "rights_denied",
  },
  {
    id: "G9 holder signs off for everybody",
    build: () => widened(`namespace("finance.example"); namespace("risk.example");`, {}),
    expect: "signoff_missing",
  },
  {
    id: "G9 holder attests for everybody",
    build: () =>
      widened(`node("invoices", "gateway"); service("invoices");`, {
        serviceChain: only("gateway", publicKey("gateway")),
      }),
    expect: "service_chain_failed",
  },
  {
    id: "G9 stranger attests for everybody",
    build: () =>
      widened(
        `node("invoices", "gateway"); service("invoices");`,
        { serviceChain: only("gateway", publicKey("gateway")) },
        keys.stranger,
      ),
    expect: "service_chain_failed",
  },
  {
    id: "G9 a service attests as the one before it",
    build: () =>
      widened(`node("invoices", "gateway");`, { serviceChain: only("gateway", publicKey("gateway")) }, keys.orders),
    expect: "service_chain_failed",
  },
  {
    id: "G12 join of four",
    build: () => bomb(`${facts} check if f($a), f($b), f($c), f($d), $a + $b + $c + $d > 100000;`),
    expect: "token_limit",
  },
  {
    id: "G12 rule of four",
    build: () => bomb(`${facts} g($a, $b, $c, $d) <- f($a), f($b), f($c), f($d), $a + $b + $c + $d > 100000;`),
    expect: "token_limit",
  },
  { id: "G11 product of facts", build: () => bomb(`${facts} g($a, $b) <- f($a), f($b);`), expect: "token_limit" },
  {
    id: "G13 nested repetition",
    build: () => bomb(`check if "${"a".repeat(200)}!".matches("((a{100}){100}){100}$");`),
    expect: "check_failed",
  },
  { id: "G14 overflow", build: () => bomb("check if 9223372036854775807 + 1 > 0;"), expect: "token_evaluation" },
  { id: "G14 division by zero", build: () => bomb("check if 1 / 0 > 0;"), expect: "token_evaluation" },
  { id: "G19 time as text", build: async () => verify(await legacy(`time("now");`)), expect: "token_evaluation" },
  {
    id: "prefix: stub used as it is",
    build: async () => verify(await stub()),
    expect: "prefix_mismatch",
    data: { key: publicKey("prefix").toString() },
  },
  {
    id: "prefix: stated without one in the token",
    build: async () => verify(await stub(), { prefix: "t/1/" }),
    expect: "prefix_mismatch",
  },
  { id: "prefix: right", build: () => restricted(keys.prefix, "t/1/", "t/1/"), expect: "accepted" },
  {
    id: "prefix: none stated",
    build: () => restricted(keys.prefix, "t/1/"),
    expect: "prefix_mismatch",
    data: { expected: "t/1/", provided: undefined },
  },
  { id: "prefix: a shorter one", build: () => restricted(keys.prefix, "t/1/", "t/"), expect: "prefix_mismatch" },
  { id: "prefix: a longer one", build: () => restricted(keys.prefix, "t/1/", "t/1/x"), expect: "prefix_mismatch" },
  {
    id: "prefix: added by a stranger",
    build: () => restricted(keys.stranger, "t/1/", "t/1/"),
    expect: "prefix_mismatch",
  },
  {
    id: "domain of a right: none stated",
    build: async () => verify(await mintAuthorization(keys.root, { ...right, domain: "corp" }, at())),
    expect: "domain_mismatch",
    data: { expected: "corp", provided: undefined, block: 0, check: 2 },
  },
  {
    id: "domain of a right: a longer one",
    build: async () =>
      verify(await mintAuthorization(keys.root, { ...right, domain: "corp" }, at()), { domain: "corp.evil" }),
    expect: "domain_mismatch",
  },
  { id: "kind: old token, its own right", build: async () => verify(await legacy()), expect: "accepted" },
  {
    id: "kind: old token, another subject",
    build: async () => verify(await legacy(), { subject: "urn:x:bob" }),
    expect: "rights_denied",
    data: { subject: "urn:x:bob", resource: "invoices", operation: "read" },
  },
  {
    id: "kind: old authorization token as an identity",
    build: async () => verifyIdentity((await legacy()).toBytes(), { identity: "urn:x:bob" }, at()),
    expect: "token_kind",
  },
  {
    id: "kind: context token as an identity",
    build: async () => {
      const token = await mintContext(keys.root, { subject: alice }, at());
      return verifyIdentity(token.toBytes(), { identity: alice }, at());
    },
    expect: "token_kind",
  },
  {
    id: "kind: old authorization token as a context",
    build: async () => verifyContext((await legacy()).toBytes(), {}, at()),
    expect: "token_kind",
  },
  {
    id: "kind: old authorization token as a capability for another operation",
    build: async () => verifyCapability((await legacy()).toBytes(), { ...right, operation: "write" }, at()),
    expect: "rights_denied",
  },
  {
    id: "kind: old authorization token as a capability of anybody for another operation",
    build: async () => verifyCapability((await legacy()).toBytes(), { resource: "invoices", operation: "write" }, at()),
    expect: "rights_denied",
  },
  {
    id: "kind: token of its subject that checks nobody",
    build: async () => {
      const token = await Biscuit.builder().code("subject({subject});", { subject: alice }).build(keys.root);
      return verifyIdentity(token.toBytes(), { identity: "urn:x:bob" }, at());
    },
    expect: "identity_mismatch",
    data: { expected: alice, actual: "urn:x:bob" },
  },
  {
    id: "kind: identity token as an authorization",
    build: async () => verify(await mintIdentity(keys.root, { subject: alice }, at())),
    expect: "token_kind",
  },
  {
    id: "kind: context token as a capability",
    build: async () =>
      verifyCapability((await mintContext(keys.root, { subject: alice }, at())).toBytes(), right, at()),
    expect: "token_kind",
  },
  {
    id: "kind: old token whose holder states to be an identity",
    build: async () => {
      const token = await (await legacy()).attenuate(`subject("urn:x:bob"); actor("urn:x:bob");`);
      return verifyIdentity(token.toBytes(), { identity: "urn:x:bob" }, at());
    },
    expect: "token_kind",
  },
];
