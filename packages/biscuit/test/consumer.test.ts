import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { hasSamples, installPacked } from "../../../tools/consumer-biscuit/installed.mjs";
import { bundleSize } from "../../../tools/consumer-biscuit/size.mjs";
import { withoutSamples } from "./vectors.ts";

describe("the packed package", () => {
  const folder = installPacked();
  after(() => rmSync(folder, { recursive: true, force: true }));
  const installed = join(folder, "node_modules/@countersign/biscuit");

  it("brings nothing with it", () => {
    const names = readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."));
    assert.deepEqual(names, ["@countersign"]);
    assert.deepEqual(readdirSync(join(folder, "node_modules/@countersign")), ["biscuit"]);
  });

  it("holds every file that its package.json names", () => {
    const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    const conditions = [...Object.values<object>(manifest.exports), manifest.imports["#crypto"]];
    const published = conditions.flatMap(({ "@countersign/source": _, require = {}, ...files }) => [
      ...Object.values(require),
      ...Object.values(files),
    ]);
    assert.equal(published.length, 18);
    for (const file of [...published, ...Object.values(manifest.bin)]) {
      assert.ok(statSync(join(installed, String(file))).size > 0, String(file));
    }
    assert.equal(manifest.sideEffects, false);
    assert.equal(manifest.dependencies, undefined);
  });

  it("shows none of its inner parts in its types", () => {
    const types = (file: string): string => readFileSync(join(installed, "dist", file), "utf8");
    assert.match(types("biscuit.d.ts"), /get blocks\(\)/);
    assert.doesNotMatch(types("biscuit.d.ts"), /decodedBlocks|compiledBlocks|static of/);
    assert.match(types("signature-cache.d.ts"), /get size\(\)/);
    assert.doesNotMatch(types("signature-cache.d.ts"), /addToken|findBeginning/);
  });

  it("judges the official samples alone", { skip: withoutSamples }, () => {
    assert.ok(hasSamples);
    const { passed, total, failures } = JSON.parse(
      execFileSync(process.execPath, ["main.mjs"], { cwd: folder, encoding: "utf8" }),
    );
    assert.deepEqual(failures, []);
    assert.equal(passed, 50);
    assert.equal(total, 50);
  });

  it("runs its program", () => {
    const output = execFileSync(process.execPath, [join(folder, "node_modules/.bin/biscuit"), "keypair"], {
      encoding: "utf8",
    });
    assert.match(output, /ed25519\/[0-9a-f]{64}/);
  });
});

describe("the size of a browser bundle under gzip", () => {
  const budgets: readonly { readonly names: string; readonly kilobytes: number }[] = [
    { names: "{ Biscuit, PublicKey }", kilobytes: 24.5 },
    { names: "{ Biscuit, Authorizer, fact, PublicKey }", kilobytes: 39.5 },
    { names: "*", kilobytes: 42.2 },
  ];
  for (const { names, kilobytes } of budgets) {
    it(`of ${names} is at most ${kilobytes} kB`, async () => {
      const { gzip } = await bundleSize(names);
      assert.ok(gzip <= kilobytes * 1000, `${gzip} bytes`);
      // A bundle that lost its content would be small too.
      assert.ok(gzip > 15_000, `${gzip} bytes`);
    });
  }
});
