import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

interface Entry {
  readonly version?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock: { readonly packages: Readonly<Record<string, Entry>> } = JSON.parse(
  readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"),
);
const entries = Object.entries(lock.packages);

/** Whether it is for Linux with glibc on x64 or arm64. */
function runsOnLinux({ os = ["linux"], cpu = ["x64"], libc = ["glibc"] }: Entry): boolean {
  return os.includes("linux") && libc.includes("glibc") && (cpu.includes("x64") || cpu.includes("arm64"));
}

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

  it("has the SHA-512 of every package, but of development tools for platforms that CI is not", () => {
    const packages = entries.filter(([path, { link }]) => path.includes("node_modules/") && link !== true);
    const unverified = packages.filter(([, { integrity = "" }]) => !integrity.startsWith("sha512-"));
    assert.deepEqual(
      unverified
        .filter(([, entry]) => entry.dev !== true || entry.optional !== true || runsOnLinux(entry))
        .map(([path]) => path),
      [],
    );
  });
});
