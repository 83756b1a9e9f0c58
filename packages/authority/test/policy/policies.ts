import { compilePolicy, type Policy } from "../../src/policy/compile.ts";
import type { PolicyInput } from "../../src/policy/document.ts";
import { readPolicy } from "../../src/policy/read.ts";

/** A compiled policy of these sections. */
export function policyOf(sections: Partial<PolicyInput>): Policy {
  return compilePolicy(readPolicy({ format: "countersign-policy/1", version: 1, scopes_need_rule: true, ...sections }));
}

export const keys = {
  edge: "ed25519/9c3e8f10e0e8eeef1db086915a15a590e7d838683841719b5e70ddab2115b826",
  auth: "ed25519/e57618058b1d2e0381a9813c1405830d5ed7d603717384ef555d9cc0cfa65d83",
  payment: "ed25519/78ef4255c4c9ab5c7186d6db4760758b06616c042a2538323ae3b058094034b6",
  order: "ed25519/1aebc5a6eefc569051926a6aaf55568e53edb475f2f2eb904522609391d88113",
} as const;

export const cli0 = "uri:urn:test:argo-cli0";
export const cli1 = "uri:urn:test:argo-cli1";

const both = ["read", "write"];
const rights = (...names: readonly string[]) => names.map((name) => ({ name, operations: both }));

/** clients.toml, as its TOML is read. */
export const clientsTable = {
  version: "0.2.0",
  cacerts: { cert_chain: "-----BEGIN CERTIFICATE-----" },
  clients: [
    {
      identifier: { type: "san_uri", value: cli0 },
      resources: rights("resource1", "resource2", "resource4", "order_service"),
    },
    {
      identifier: { type: "san_uri", value: cli1 },
      resources: rights("resource2", "resource3", "resource4", "order_service"),
    },
  ],
};

/** resources.toml, as its TOML is read. */
export const resourcesTable = {
  version: "0.1.0",
  resources: {
    resource4: { type: "service_chain", nodes: [{ component: "edge_function", public_key: keys.edge }] },
    order_service: {
      type: "service_chain",
      nodes: [
        { component: "auth_service", public_key: keys.auth },
        { component: "payment_service", public_key: keys.payment },
        { component: "order_service", public_key: keys.order },
      ],
    },
  },
};
