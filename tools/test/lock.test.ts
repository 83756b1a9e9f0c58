import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock: { readonly packages: Readonly<Record<string, Entry>> } = JSON.parse(
  readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"),
);
const entries = Object.entries(lock.packages);

describe("package-lock.json", () => {
  it("names every optional dependency, also those of other platforms: npm ci refuses a lock that does not", () => {
    const missing = entries.flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
      ),
    );
    assert.deepEqual(missing, []);
  });

  it("records no download address, so that every registry will do", () => {
    const addressed = entries.filter(([, { resolved, link }]) => resolved !== undefined && link !== true);
    assert.deepEqual(addressed, []);
  });
});
