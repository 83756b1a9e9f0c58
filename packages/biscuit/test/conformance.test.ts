import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Authorizer,
  Biscuit,
  BiscuitError,
  type BlockStatements,
  type ExternFunction,
  PublicKey,
  type WorldDump,
} from "@countersign/biscuit";
import {
  readSample,
  readSamples,
  type Sample,
  type SampleValidation,
  type SampleWorld,
  withoutSamples,
} from "./vectors.ts";

// The samples give the authorizer's block number, 2^64 - 1, in a form that JSON rounds.
const AUTHORIZER_NUMBER = 2 ** 64;

const externs: Record<string, ExternFunction> = {
  test: (left, right) => {
    if (right === undefined) return true;
    return left === right ? "equal strings" : "different strings";
  },
};

function statementsOf(list: readonly BlockStatements[]): object[] {
  return list.map(({ block, statements }) => ({ block: block ?? AUTHORIZER_NUMBER, statements }));
}

function comparableDump({ facts, rules, checks, policies }: WorldDump): object {
  return {
    facts: facts.map(({ origin, facts }) => JSON.stringify([origin.map((block) => block ?? null), facts])).sort(),
    rules: statementsOf(rules),
    checks: statementsOf(checks),
    policies,
  };
}

function comparableWorld({ facts, rules, checks, policies }: SampleWorld): object {
  return {
    facts: facts.map(({ origin, facts }) => JSON.stringify([origin, facts])).sort(),
    rules: rules.map(({ origin, rules }) => ({ block: origin, statements: rules })),
    checks: checks.map(({ origin, checks }) => ({ block: origin, statements: checks })),
    policies,
  };
}

async function resultOf(bytes: Uint8Array, root: PublicKey, validation: SampleValidation): Promise<unknown> {
  try {
    const token = await Biscuit.parse(bytes).verify(root);
    const authorizer = new Authorizer(validation.authorizer_code, { externs });
    return authorizer.authorize(token).toRustJson();
  } catch (error) {
    assert.ok(error instanceof BiscuitError, String(error));
    return { Err: error.toRustJson() };
  }
}

function testSample(sample: Sample, root: PublicKey): void {
  const bytes = readSample(sample.filename);
  const isIntact = Object.values(sample.validations).some(({ revocation_ids }) => revocation_ids.length > 0);

  for (const [name, validation] of Object.entries(sample.validations)) {
    it(`authorize gives the official verdict${name === "" ? "" : ` for "${name}"`}`, async () => {
      assert.deepEqual(await resultOf(bytes, root, validation), validation.result);
    });

    const { world } = validation;
    if (world === null) continue;
    it(`evaluate reaches the official world${name === "" ? "" : ` for "${name}"`}`, async () => {
      const token = await Biscuit.parse(bytes).verify(root);
      assert.deepEqual(token.revocationIds, validation.revocation_ids);
      const dump = new Authorizer(validation.authorizer_code, { externs }).evaluate(token).dump();
      assert.deepEqual(comparableDump(dump), comparableWorld(world));
    });
  }

  it("parse and toBytes give the same bytes", () => {
    assert.deepEqual(Biscuit.parse(bytes).toBytes(), bytes);
  });

  it("verifySync agrees with verify", async () => {
    const verdict = async (verify: () => unknown): Promise<unknown> => {
      try {
        await verify();
        return "verified";
      } catch (error) {
        return error instanceof BiscuitError ? error.toRustJson() : error;
      }
    };
    const later = await verdict(() => Biscuit.parse(bytes).verify(root));
    assert.deepEqual(await verdict(() => Biscuit.parse(bytes).verifySync(root)), later);
  });

  if (!isIntact) return;
  it("blocks have the official sources, tables, keys and versions", async () => {
    const token = await Biscuit.parse(bytes).verify(root);
    const blocks = token.blocks.map((block) => ({
      symbols: block.symbols,
      public_keys: block.publicKeys,
      external_key: block.externalKey?.toString() ?? null,
      code: block.source,
      version: block.version,
    }));
    assert.deepEqual(blocks, sample.token);
  });
}

describe("official Biscuit samples", { skip: withoutSamples }, () => {
  if (withoutSamples !== false) return;
  const samples = readSamples();
  const root = PublicKey.parse(`ed25519/${samples.root_public_key}`);

  it("are all there", () => {
    const validations = samples.testcases.flatMap(({ validations }) => Object.keys(validations));
    assert.deepEqual([samples.testcases.length, validations.length], [38, 50]);
  });

  for (const sample of samples.testcases) {
    describe(sample.filename, () => testSample(sample, root));
  }
});
