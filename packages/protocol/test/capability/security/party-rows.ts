import type { Biscuit, PrivateKey } from "@countersign/biscuit";
import { appendOwn } from "../../../src/capability/append.ts";
import {
  type AuthorizationContent,
  type AuthorizationRequest,
  attestService,
  type ChainRequest,
  type Component,
  mintAuthorization,
  restrictPrefix,
  signOff,
  verifyAuthorization,
  verifyPendingAuthorization,
} from "../../../src/capability/index.ts";
import { at, chain, keys, parties, publicKey, right, rootKey, T0 } from "../fixtures.ts";
import type { Row } from "./case.ts";

const open = { rootKey };
const verify = (token: Biscuit, request: Partial<AuthorizationRequest> = {}): Promise<unknown> =>
  verifyAuthorization(token.toBytes(), { ...right, ...request }, at());

/** A token with attestations of these keys for these resources, before a service of the chain. */
async function attested(
  request: ChainRequest,
  ...by: readonly (readonly [key: PrivateKey, service: string])[]
): Promise<unknown> {
  let token = await mintAuthorization(keys.root, { ...right, serviceChain: chain }, at());
  for (const [key, service] of by) token = await attestService(token.toBytes(), { service, key }, open);
  return verify(token, { serviceChain: request });
}

const gateway = [keys.gateway, right.resource] as const;
const orders = [keys.orders, right.resource] as const;
const ledger = [keys.ledger, right.resource] as const;
const all: ChainRequest = { nodes: chain };
const before = (component: string): ChainRequest => ({ nodes: chain, component });
const only = (component: string, key: Component["publicKey"]): ChainRequest => ({
  nodes: [{ component, publicKey: key }],
});

async function signed(...by: readonly (readonly [key: PrivateKey, component: string])[]): Promise<Biscuit> {
  let token = await mintAuthorization(keys.root, { ...right, parties }, at());
  for (const [key, component] of by) token = await signOff(token.toBytes(), { component, key }, open);
  return token;
}

const finance = [keys.finance, "finance.example"] as const;
const risk = [keys.risk, "risk.example"] as const;

/** What a party asks before it signs off. */
async function pending(
  content: Partial<AuthorizationContent>,
  request: Partial<AuthorizationRequest> = {},
  now = T0,
): Promise<unknown> {
  const token = await mintAuthorization(keys.root, { ...right, parties, ...content }, at());
  return verifyPendingAuthorization(token.toBytes(), { ...right, ...request }, at(now));
}

/** Attacks on service chains and on signoffs. */
export const partyRows: readonly Row[] = [
  { id: "G20 all attested", build: () => attested(all, gateway, orders, ledger), expect: "accepted" },
  { id: "G20 the first needs nobody", build: () => attested(before("gateway")), expect: "accepted" },
  {
    id: "G20 a service skipped",
    build: () => attested(before("ledger"), gateway),
    expect: "service_chain_failed",
    data: { component: "orders", reason: "attestation_missing" },
  },
  {
    id: "G20 the first skipped",
    build: () => attested(before("ledger"), orders),
    expect: "service_chain_failed",
    data: { component: "gateway", reason: "attestation_missing" },
  },
  {
    id: "G20 nobody attested",
    build: () => attested(all),
    expect: "service_chain_failed",
    data: { component: "gateway" },
  },
  // The crates look at who attested and not at the order; blocks are appended in the order in which they were.
  { id: "G20 attested in reverse order", build: () => attested(all, ledger, orders, gateway), expect: "accepted" },
  { id: "G20 a service attests twice", build: () => attested(before("orders"), gateway, gateway), expect: "accepted" },
  {
    id: "G20 twice is not for two",
    build: () => attested(before("ledger"), gateway, gateway),
    expect: "service_chain_failed",
    data: { component: "orders" },
  },
  {
    id: "G20 attested with the key of another",
    build: () => attested(before("orders"), [keys.orders, right.resource]),
    expect: "service_chain_failed",
    data: { component: "gateway" },
  },
  {
    id: "G20 attested by a stranger",
    build: () => attested(before("orders"), [keys.stranger, right.resource]),
    expect: "service_chain_failed",
  },
  {
    id: "G20 a stranger attests too",
    build: () => attested(all, gateway, [keys.stranger, right.resource], orders, ledger),
    expect: "accepted",
  },
  {
    id: "G20 attested for the name of the component",
    build: () => attested(before("orders"), [keys.gateway, "gateway"]),
    expect: "service_chain_failed",
  },
  {
    id: "G20 attested for another resource",
    build: () => attested(before("orders"), [keys.gateway, "invoices2"]),
    expect: "service_chain_failed",
  },
  ...["order", "orders2", "rders", "Orders", "", " orders", "orders "].map((component): Row => {
    return {
      id: `G20 verifier asks as "${component}"`,
      build: () => attested(before(component), gateway, orders, ledger),
      expect: "service_chain_failed",
      data: { component, reason: "component_not_found" },
    };
  }),
  ...["gate", "gateway2", "ateway", "Gateway"].map((component): Row => {
    return {
      id: `G20 verifier expects the component "${component}"`,
      build: () => attested(only(component, publicKey("gateway")), gateway),
      expect: "service_chain_failed",
      data: { component, reason: "attestation_missing" },
    };
  }),
  {
    id: "G20 verifier expects another key",
    build: () => attested(only("gateway", publicKey("stranger")), gateway),
    expect: "service_chain_failed",
    data: {
      reason: "key_mismatch",
      expected: publicKey("stranger").toString(),
      actual: publicKey("gateway").toString(),
    },
  },
  {
    id: "G20 attested for a wrong operation",
    build: async () => {
      const token = await mintAuthorization(keys.root, { ...right, serviceChain: [chain[0]] }, at());
      const done = await attestService(token.toBytes(), { service: right.resource, key: keys.gateway }, open);
      return verify(done, { operation: "write", serviceChain: { nodes: [chain[0]] } });
    },
    expect: "rights_denied",
  },
  { id: "G21 all signed off", build: async () => verify(await signed(finance, risk)), expect: "accepted" },
  { id: "G21 in the other order", build: async () => verify(await signed(risk, finance)), expect: "accepted" },
  {
    id: "G21 pending token used as full",
    build: async () => verify(await signed()),
    expect: "signoff_missing",
    data: { component: "finance.example", key: publicKey("finance").toString() },
  },
  {
    id: "G21 one is missing",
    build: async () => verify(await signed(finance)),
    expect: "signoff_missing",
    data: { component: "risk.example", key: publicKey("risk").toString() },
  },
  { id: "G21 one signs twice", build: async () => verify(await signed(finance, finance)), expect: "signoff_missing" },
  {
    id: "G21 one signs for both",
    build: async () => verify(await signed(finance, [keys.finance, "risk.example"])),
    expect: "signoff_missing",
    data: { component: "risk.example" },
  },
  {
    id: "G21 keys exchanged",
    build: async () => verify(await signed([keys.risk, "finance.example"], [keys.finance, "risk.example"])),
    expect: "signoff_missing",
  },
  {
    id: "G21 a stranger signs",
    build: async () => verify(await signed([keys.stranger, "finance.example"], risk)),
    expect: "signoff_missing",
  },
  ...["finance", "finance.example.evil", "Finance.example", "finance.example."].map((component): Row => {
    return {
      id: `G21 signed as "${component}"`,
      build: async () => verify(await signed([keys.finance, component], risk)),
      expect: "signoff_missing",
    };
  }),
  { id: "G21 a party asks before it signs", build: () => pending({}), expect: "accepted" },
  {
    id: "G21 a party is asked for another operation",
    build: () => pending({}, { operation: "write" }),
    expect: "rights_denied",
  },
  {
    id: "G21 a party is asked for another subject",
    build: () => pending({}, { subject: "urn:x:bob" }),
    expect: "rights_denied",
  },
  { id: "G21 a party is asked too late", build: () => pending({}, {}, T0 + 300), expect: "token_expired" },
  { id: "G21 a party is asked in another domain", build: () => pending({ domain: "corp" }), expect: "domain_mismatch" },
  {
    id: "G21 a party is asked for a stub",
    build: () => pending({ prefixKey: publicKey("prefix") }),
    expect: "prefix_mismatch",
  },
  {
    id: "G21 a party is asked under another prefix",
    build: async () => {
      const content = { ...right, parties, prefixKey: publicKey("prefix") };
      const stub = await mintAuthorization(keys.root, content, at());
      const token = await restrictPrefix(stub.toBytes(), { prefix: "t/1/", key: keys.prefix }, open);
      return verifyPendingAuthorization(token.toBytes(), { ...right, prefix: "t/2/" }, at());
    },
    expect: "prefix_mismatch",
  },
  {
    id: "G21 a party is asked though a holder demands another",
    build: async () => {
      const token = await mintAuthorization(keys.root, { ...right, parties }, at());
      const code = "check if namespace({component}) trusting {key};";
      const demanding = await appendOwn(token, [[code, { component: "x", key: publicKey("stranger") }]], {});
      return verifyPendingAuthorization(demanding.toBytes(), right, at());
    },
    expect: "signoff_missing",
    data: { component: "x", block: 1 },
  },
];
