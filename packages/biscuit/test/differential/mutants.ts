import assert from "node:assert/strict";
import { Authorizer, Biscuit, BiscuitError, DEFAULT_LIMITS, type Decision } from "@countersign/biscuit";
import { readContainer } from "../../src/format/wrapper.ts";
import { forgeToken, rootKey } from "../forge.ts";
import { mutate, TRUSTED, twoBlocks } from "./cases.ts";
import { RandomProgram } from "./random-program.ts";

const authorizer = new Authorizer("p(1); resource(2); q(1, 2); allow if p($a), resource($b);");

function judge(token: Uint8Array): Decision | undefined {
  try {
    return authorizer.authorize(Biscuit.parse(token).verifySync(rootKey.publicKey));
  } catch (error) {
    // Anything else that is thrown is a defect.
    if (error instanceof BiscuitError) return undefined;
    throw error;
  }
}

function decode(token: Uint8Array): void {
  try {
    assert.ok(Biscuit.parse(token).blocks.length > 0);
  } catch (error) {
    if (!(error instanceof BiscuitError)) throw error;
  }
}

/**
 * Mutated tokens before this implementation alone: it answers each, with a decision or an error of its own.
 *
 * One in eight has its signatures made anew over mutated blocks, so that decoding and evaluation are reached; the others
 * are decoded without verification, as the tool that shows a token does.
 */
export function fuzzMutants(seed: number, count: number): { readonly refused: number; readonly judged: number } {
  let refused = 0;
  let judged = 0;
  let blocks: readonly Uint8Array[] = [];
  let token = Biscuit.builder().code("p(1);").buildSync(rootKey).toBytes();
  for (let i = 0; i < count; i++) {
    const random = new RandomProgram(seed + i, TRUSTED);
    if (i % 64 === 0) {
      token = twoBlocks(random) ?? token;
      blocks = readContainer(token).blocks.map(({ data }) => data);
    }
    if (i % 8 === 0) {
      const mutated = random.below(2);
      const decision = judge(
        forgeToken(blocks.map((data, i) => ({ data: i === mutated ? mutate(data, random) : data }))),
      );
      if (decision === undefined) refused++;
      else judged++;
      // The step that is one too many is counted and not taken.
      assert.ok(decision?.error?.code === "fuel" || (decision?.fuelUsed ?? 0) <= DEFAULT_LIMITS.fuel);
    } else {
      decode(mutate(token, random));
      refused++;
    }
  }
  return { refused, judged };
}
