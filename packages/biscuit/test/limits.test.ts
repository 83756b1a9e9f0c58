import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Authorizer, DEFAULT_LIMITS } from "@countersign/biscuit";

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
const fuelOf = (code: string): number => new Authorizer(code).authorize(undefined).fuelUsed;

describe("the page on what an evaluation may cost", () => {
  it("states every default limit", () => {
    const stated = tableUnder(/^\| limit /m).map(([name = "", value = ""]) => [
      codeOf(name),
      Number(value.replaceAll(",", "")),
    ]);
    assert.deepEqual(Object.fromEntries(stated), DEFAULT_LIMITS);
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
