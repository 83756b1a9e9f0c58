import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Biscuit, PrivateKey, PublicKey, verifyToken } from "@countersign/biscuit";
import { appendExternal, appendOwn } from "../../src/capability/append.ts";
import {
  attestationStatements,
  authorizationStatements,
  prefixStatements,
  signoffStatements,
} from "../../src/capability/authorization-blocks.ts";
import {
  attenuationStatements,
  type CapabilityNarrowing,
  capabilityAttestationStatements,
  capabilityStatements,
} from "../../src/capability/capability-blocks.ts";
import { contextStatements, exposureStatements, forkStatements } from "../../src/capability/context-blocks.ts";
import { delegationStatements, identityStatements, narrowingStatements } from "../../src/capability/identity-blocks.ts";
import { type InspectedBlock, inspectionOf } from "../../src/capability/index.ts";
import { checksOf } from "../../src/capability/inspect-identity.ts";
import { signToken } from "../../src/capability/mint.ts";
import type { Statement } from "../../src/capability/statement.ts";
import { type BlockTree, blockTrees, stringFacts } from "../../src/capability/tree.ts";
import { readMinted, type VectorCase, withoutVectors } from "./vectors.ts";
import { blockData } from "./wire.ts";

const secondsOf = (expiresAt: number | undefined): number => (expiresAt ?? 0) / 1000;

const numberIn = ({ facts }: BlockTree, name: string): number =>
  Number(facts.find((fact) => fact.name === name)?.terms[0] ?? 0);

function narrowingOf(block: BlockTree): CapabilityNarrowing {
  const designations = [];
  const trustedDesignations = [];
  for (const { label, value, key } of checksOf(block, "designation")) {
    if (key === undefined) designations.push({ label, value });
    else trustedDesignations.push({ label, value, publicKey: key });
  }
  return { designations, trustedDesignations };
}

/** What the crates were asked to put into the authority block. */
function authorityStatements(token: Biscuit, authority: BlockTree): Statement[] {
  const told = inspectionOf(token);
  const expiration = secondsOf(told.blocks[0]?.expiresAt);
  if (told.kind === "identity") {
    const delegatable = checksOf(authority, "actor")[0]?.delegatable ?? false;
    return identityStatements({ subject: told.subject, delegatable, domain: told.domain }, expiration);
  }
  if (told.kind === "context") {
    const labels = stringFacts(authority.facts, "exposed_label", 1).flat();
    const sources = stringFacts(authority.facts, "exposure_source", 1).flat();
    if (labels.length === 0) return contextStatements(told.subject, expiration);
    return forkStatements(told.subject, { labels, sources }, numberIn(authority, "exposure_time"), expiration);
  }
  assert.ok(told.kind !== "unknown");
  const [right] = told.rights;
  assert.ok(right !== undefined);
  if (told.kind === "capability") {
    const activationKey = checksOf(authority, "activation")[0]?.key;
    return capabilityStatements({ ...right, ...narrowingOf(authority), activationKey }, expiration);
  }
  const { domain, prefixKey, serviceChain, parties } = told;
  return authorizationStatements({ ...right, domain, prefixKey, serviceChain, parties }, expiration);
}

/** What the crates were asked to append. */
function appendedStatements(block: InspectedBlock, tree: BlockTree): Statement[] {
  const expiration = block.expiresAt === undefined ? undefined : secondsOf(block.expiresAt);
  if (block.role === "delegation") return delegationStatements(block.identity, expiration ?? 0);
  if (block.role === "narrowing") return narrowingStatements(expiration ?? 0);
  if (block.role === "attestation") return attestationStatements(block.service);
  if (block.role === "signoff") return signoffStatements(block.component);
  if (block.role === "prefix") return prefixStatements(block.prefix);
  if (block.role === "exposure") {
    return exposureStatements(block.sources[0] ?? "", block.labels, numberIn(tree, "exposure_time"));
  }
  assert.ok(block.role === "activation" || block.role === "designation", block.role);
  if (block.externalKey === undefined) return attenuationStatements(narrowingOf(tree), expiration);
  const states = stringFacts(tree.facts, "designation", 2).map(([label = "", value = ""]) => ({ label, value }));
  const attestation = { activate: block.role === "activation", states, ...narrowingOf(tree) };
  return capabilityAttestationStatements(attestation, numberIn(tree, "activation"), expiration);
}

/** The same token made here, with other keys between the blocks. */
async function remade(token: Biscuit, rootKey: PrivateKey): Promise<Biscuit> {
  const trees = blockTrees(token);
  const [authority] = trees;
  assert.ok(authority !== undefined);
  let made = await signToken(rootKey, authorityStatements(token, authority), {});
  for (const block of inspectionOf(token).blocks.slice(1)) {
    const tree = trees[block.index];
    assert.ok(tree !== undefined);
    const statements = appendedStatements(block, tree);
    made = await (block.externalKey === undefined ? appendOwn : appendExternal)(made, statements, {});
  }
  return made;
}

const isOfTheCrates = ({ producer, name }: VectorCase): boolean =>
  producer.startsWith("hessra-") && !name.startsWith("legacy-");

describe("blocks minted from the inputs of the crates", { skip: withoutVectors }, () => {
  if (withoutVectors !== false) return;
  const { cases, keys } = readMinted();
  const theirs = cases.filter(isOfTheCrates);

  for (const { name, token: text, root, rootPublicKey } of theirs) {
    it(`are the same bytes: ${name}`, async () => {
      const token = await verifyToken(text, PublicKey.parse(rootPublicKey));
      const made = await remade(token, PrivateKey.parse(keys[root]?.private ?? ""));
      assert.deepEqual(blockData(made.toBytes()), blockData(token.toBytes()));
    });
  }

  it("are all there", () => {
    const blocks = theirs.map(({ token }) => Biscuit.parse(token).blockCount);
    assert.deepEqual([theirs.length, blocks.reduce((sum, count) => sum + count, 0)], [59, 113]);
  });
});
