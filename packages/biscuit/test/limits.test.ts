import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  Authorizer,
  type AuthorizerOptions,
  Biscuit,
  BiscuitError,
  DEFAULT_LIMITS,
  type Limits,
} from "@countersign/biscuit";
import { rootKey } from "./forge.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/biscuit.md"), "utf8");

/** The rows of the table under this heading, each as the text of its cells. */
function tableUnder(heading: RegExp): string[][] {
  const rows = page.slice(page.search(heading)).split("\n\n")[0]?.split("\n").slice(2) ?? [];
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const codeOf = (cell: string): string => /^`(.*)`$/.exec(cell)?.[1] ?? "";
const fuelOf = (code: string): number => new Authorizer(code).authorizeWithoutToken().fuelUsed;

describe("the page on what an evaluation may cost", () => {
  it("states every default limit", () => {
    const stated = tableUnder(/^\| limit /m).map(([name = "", value = ""]) => [
      codeOf(name),
      Number(value.replaceAll(",", "")),
    ]);
    assert.deepEqual(Object.fromEntries(stated), DEFAULT_LIMITS);
  });

  const token = Biscuit.builder()
    .code("p(0); n(0, 1); n(1, 2); p($y) <- p($x), n($x, $y);")
    .buildSync(rootKey)
    .attenuateSync("check if p(2);")
    .toBytes();
  const entries: Readonly<Record<string, (limits: Limits) => string | undefined>> = {
    "Biscuit.parse": (limits) => {
      try {
        Biscuit.parse(token, limits).verifySync(rootKey.publicKey);
        return undefined;
      } catch (error) {
        if (error instanceof BiscuitError) return error.code;
        throw error;
      }
    },
    Authorizer: (limits) => {
      const verified = Biscuit.parse(token).verifySync(rootKey.publicKey);
      return new Authorizer("allow if true;", { limits }).authorize(verified).error?.code;
    },
  };
  for (const [name = "", , code = "", stated = ""] of tableUnder(/^\| limit /m)) {
    it(`says who goes by ${name}`, () => {
      for (const [entry, refusal] of Object.entries(entries)) {
        const expected = entry === codeOf(stated) ? codeOf(code) : undefined;
        assert.equal(refusal({ ...DEFAULT_LIMITS, [codeOf(name)]: 1 }), expected, entry);
      }
    });
  }

  it("has types that take no limit where it limits nothing", () => {
    // @ts-expect-error: fuel is for the authorizer.
    Biscuit.parse(token, { fuel: 1 });
    // @ts-expect-error: bytes are for Biscuit.parse.
    const options: AuthorizerOptions = { limits: { maxTokenBytes: 1 } };
    assert.equal(new Authorizer("allow if true;", options).authorizeWithoutToken().allowed, true);
  });

  const prices = tableUnder(/^\| work /m);
  it("lists prices", () => assert.ok(prices.length >= 20));
  for (const [work = "", , dear = "", cheap = "", difference = ""] of prices) {
    it(`gives the price of ${work}`, () => {
      assert.ok(codeOf(dear) !== "" && (codeOf(cheap) !== "" || cheap === "nothing"));
      assert.equal(fuelOf(codeOf(dear)) - fuelOf(codeOf(cheap)), Number(difference));
    });
  }
});
