import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { readAccepted, staleAccepted } from "../mutate/accepted.ts";
import { type KindName, kinds } from "../mutate/kinds.ts";
import { mutantsOf } from "../mutate/mutants.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tool = join(root, "tools/mutate/run.ts");
const folders: string[] = [];
after(() => folders.forEach((folder) => void rmSync(folder, { recursive: true })));

const door = `export function enter(age: number, ticket: string): string {
  if (age < 18) throw new Error("too young");
  if (ticket !== "paid") throw new Error("no ticket");
  return "in";
}
`;
const doorTest = `import assert from "node:assert/strict";
import { it } from "node:test";
import { enter } from "../src/door.ts";

it("lets in who paid", () => assert.equal(enter(18, "paid"), "in"));
it("refuses the young", () => assert.throws(() => enter(17, "paid")));
`;
const ticketTest = `
it("refuses who did not pay", () => assert.throws(() => enter(18, "")));
`;
const ticketGuard = {
  file: "packages/club/src/door.ts",
  inside: "enter",
  code: 'if (ticket !== "paid") throw new Error("no ticket");',
  becomes: ";",
};

/** A package with two guards, of which one is tested. */
function club(files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "mutate-test-"));
  folders.push(folder);
  const all = { "packages/club/src/door.ts": door, "packages/club/test/door.test.ts": doorTest, ...files };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function mutate(folder: string, ...args: string[]) {
  const command = [tool, "--root", folder, "--json", "packages/club/src/door.ts", ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: "utf8" });
  return { status, report: JSON.parse(stdout), progress: stderr };
}

const accepting = (...entries: object[]) => ({ "tools/mutate/accepted.json": JSON.stringify(entries) });

describe("npm run mutate", () => {
  it("finds the one guard without a test, and leaves the tree as it was", () => {
    const folder = club();
    const { status, report } = mutate(folder);
    assert.equal(status, 1);
    assert.deepEqual([report.mutants, report.killed], [2, 1]);
    const [{ file, inside, code, becomes, verdict }] = report.survivors;
    assert.deepEqual([{ file, inside, code, becomes }, verdict.outcome], [ticketGuard, "unreached"]);
    assert.equal(readFileSync(join(folder, ticketGuard.file), "utf8"), door);
  });

  it("finds a guard that tests execute and nothing misses", () => {
    const lax = `${doorTest}\nit("is asked", () => { try { enter(18, ""); } catch {} });\n`;
    const { report } = mutate(club({ "packages/club/test/door.test.ts": lax }));
    assert.deepEqual(
      report.survivors.map((survivor: { verdict: { outcome: string } }) => survivor.verdict.outcome),
      ["survived"],
    );
  });

  it("is content when each guard has its test", () => {
    const { status, report } = mutate(club({ "packages/club/test/door.test.ts": doorTest + ticketTest }));
    assert.deepEqual([status, report.killed, report.survivors], [0, 2, []]);
  });

  it("accepts a survivor that is listed with a reason", () => {
    const { status, report } = mutate(club(accepting({ ...ticketGuard, reason: "the till looks too" })));
    assert.deepEqual([status, report.accepted], [0, 1]);
  });

  it("refuses a listed survivor that is killed, gone, or without a reason", () => {
    const tested = { "packages/club/test/door.test.ts": doorTest + ticketTest };
    const killed = mutate(club({ ...tested, ...accepting({ ...ticketGuard, reason: "none" }) }));
    assert.deepEqual([killed.status, killed.report.killedAccepted.length], [1, 1]);
    const gone = mutate(club({ ...tested, ...accepting({ ...ticketGuard, code: "if (x) throw y;", reason: "none" }) }));
    assert.deepEqual([gone.status, gone.report.stale.length], [1, 1]);
    const bare = mutate(club(accepting({ ...ticketGuard, reason: "" })));
    assert.deepEqual([bare.status, bare.report.stale.length], [1, 1]);
  });

  it("lets no test judge that fails by itself", () => {
    const broken = `${doorTest}\nit("is wrong", () => assert.equal(enter(18, "paid"), "out"));\n`;
    const { report } = mutate(club({ "packages/club/test/door.test.ts": broken }));
    assert.deepEqual([report.killed, report.unusableTests], [0, ["packages/club/test/door.test.ts"]]);
  });

  it("goes on where it was broken off, and judges again what has changed", () => {
    const folder = club();
    mutate(folder);
    assert.match(mutate(folder).progress, /killed: .*\(known\)\n.*unreached: .*\(known\)\n/);
    writeFileSync(join(folder, "packages/club/test/door.test.ts"), doorTest + ticketTest);
    assert.equal(mutate(folder).status, 0);
  });

  it("moves boundaries when it is asked to", () => {
    const { report } = mutate(club(), "--boundaries");
    assert.equal(report.mutants, 3);
  });
});

describe("mutantsOf", () => {
  const cases: readonly { kind: KindName; code: string; expect: readonly string[] }[] = [
    { kind: "guard", code: "if (a) return;", expect: ["if (a) return; => ;"] },
    { kind: "guard", code: "if (a) { note(); throw e; }", expect: ["if (a) { note(); throw e; } => ;"] },
    { kind: "guard", code: "if (a) return 1; else b();", expect: [] },
    { kind: "throw", code: "if (a) throw e;", expect: [] },
    { kind: "throw", code: "try { a(); } catch { throw e; }", expect: ["throw e; => ;"] },
    { kind: "throw", code: "switch (a) { default: throw e; }", expect: ["throw e; => ;"] },
    {
      kind: "call",
      code: "await checkPeer(a); b(); this.#refuseAll();",
      expect: ["await checkPeer(a); => ;", "this.#refuseAll(); => ;"],
    },
    { kind: "operand", code: "x = a && b && c;", expect: ["a => true", "b => true", "c => true"] },
    {
      kind: "operand",
      code: "x = a || (b && c);",
      expect: ["a => false", "(b && c) => false", "b => true", "c => true"],
    },
    { kind: "operand", code: "x = a ?? b;", expect: [] },
    { kind: "not", code: "x = !(a || b);", expect: ["!(a || b) => (a || b)"] },
    { kind: "choice", code: 'return a ? undefined : "the secret is wrong";', expect: ["a => true", "a => false"] },
    { kind: "choice", code: "x = a ? one : other;", expect: [] },
    { kind: "verdict", code: "return a === b;", expect: ["a === b => true", "a === b => false"] },
    { kind: "verdict", code: "return a + b;", expect: [] },
    { kind: "boundary", code: "x = a <= b;", expect: ["a <= b => a < b"] },
  ];
  for (const { kind, code, expect } of cases) {
    it(`${kind}: ${code}`, () => {
      const found = mutantsOf("a.ts", `async function f() { ${code} }`, [kind]);
      assert.deepEqual(
        found.map((mutant) => `${mutant.code} => ${mutant.becomes}`),
        expect,
      );
    });
  }

  it("counts the same code in the same function, so that each has a name of its own", () => {
    const names = mutantsOf("a.ts", "function f() { if (a) return; if (a) return; }", ["guard"]).map(({ nth }) => nth);
    assert.deepEqual(names, [undefined, 2]);
  });
});

describe("the list of accepted survivors", () => {
  it("names code that exists, with a reason", () => {
    const accepted = readAccepted(join(root, "tools/mutate/accepted.json"));
    const files = [...new Set(accepted.map(({ file }) => file))];
    const all = Object.keys(kinds).filter((kind): kind is KindName => kind in kinds);
    const mutants = files.flatMap((file) => mutantsOf(file, readFileSync(join(root, file), "utf8"), all));
    assert.deepEqual(staleAccepted(accepted, mutants), []);
  });
});
