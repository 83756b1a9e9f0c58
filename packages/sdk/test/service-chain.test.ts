import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SdkError, ServiceChain } from "../src/index.ts";

const keyA = "ed25519/1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284";
const keyB = "ed25519/e57618058b1d2e0381a9813c1405830d5ed7d603717384ef555d9cc0cfa65d83";
const nodes = [
  { component: "gateway", publicKey: keyA },
  { component: "orders", publicKey: keyB },
];
const json = JSON.stringify(nodes.map(({ component, publicKey }) => ({ component, public_key: publicKey })));
const toml = nodes
  .map((node) => `[[nodes]]\ncomponent = "${node.component}"\npublic_key = "${node.publicKey}"\n`)
  .join("\n");

describe("ServiceChain", () => {
  it("is made in every way", async () => {
    const readFile = async (path: string): Promise<string> => (path.endsWith("toml") ? toml : json);
    const chains = [
      new ServiceChain(nodes),
      ServiceChain.withNodes(nodes),
      ServiceChain.builder().addNode("gateway", keyA).addNode("orders", keyB).build(),
      new ServiceChain().withNode("gateway", keyA).withNode("orders", keyB),
      ServiceChain.fromJson(json),
      ServiceChain.fromToml(toml),
      await ServiceChain.fromFile("a.toml", { readFile }),
      await ServiceChain.fromFile("a.json", { readFile }),
      ServiceChain.fromJson(JSON.stringify(new ServiceChain(nodes))),
    ];
    for (const chain of chains) assert.deepEqual(chain.nodes, nodes);
  });

  const refused: readonly (readonly [name: string, make: () => unknown])[] = [
    ["an object in JSON", () => ServiceChain.fromJson("{}")],
    ["no JSON", () => ServiceChain.fromJson("[")],
    ["a node without a key", () => ServiceChain.fromJson('[{"component":"a"}]')],
    ["a key that is none", () => ServiceChain.fromJson('[{"component":"a","public_key":"ed25519/0123"}]')],
    ["an empty component", () => new ServiceChain([{ component: "", publicKey: keyA }])],
    ["other tables in TOML", () => ServiceChain.fromToml(toml.replaceAll("nodes", "service_nodes"))],
  ];
  for (const [name, make] of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(make, (error) => error instanceof SdkError && error.code === "parse_error");
    });
  }

  it("tells which file it cannot read", async () => {
    const lost = ServiceChain.fromFile("/nowhere/chain.toml");
    await assert.rejects(lost, (error) => error instanceof SdkError && error.code === "io_error");
  });
});
