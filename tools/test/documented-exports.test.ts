// Every name that a package exports has a doc comment, and so has every public member of its classes and interfaces.
// TypeScript 7 has no compiler API in JavaScript, so that the exports are followed through the text of the sources.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, it } from "node:test";

/** The packages that are held to it. */
const PACKAGES: readonly string[] = ["protocol", "biscuit", "attestation", "token-keeper", "sdk", "authority"];

const repository = join(import.meta.dirname, "../..");

/** A name where it is declared. */
interface Declaration {
  readonly file: string;
  readonly name: string;
}

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly "@countersign/source": string }>>;
}

/** The entry points of a package, as its package.json names them. */
function entryPoints(name: string): string[] {
  const folder = join(repository, "packages", name);
  const manifest: Manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.values(manifest.exports).map((conditions) => join(folder, conditions["@countersign/source"]));
}

const LIST = /^export (?:type )?\{([^}]*)\}(?: from "(\.[^"]+)")?;/gm;
const STAR = /^export \* from "(\.[^"]+)";/gm;
const DECLARED =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|interface|type|const|let|enum) (\w+)/gm;

/** The names in the braces of an export list, each as it is called where it comes from. */
const listed = (list: string): { readonly outer: string; readonly inner: string }[] =>
  list
    .split(",")
    .map((item) => item.trim().replace(/^type /, ""))
    .filter((item) => item !== "")
    .map((item) => {
      const [inner = "", outer = inner] = item.split(" as ");
      return { inner, outer };
    });

/** What a module exports, by name, followed to where each name is declared. */
function exportsOf(file: string): Map<string, Declaration> {
  const text = readFileSync(file, "utf8");
  const found = new Map<string, Declaration>();
  for (const [, name = ""] of text.matchAll(DECLARED)) found.set(name, { file, name });
  for (const [, from = ""] of text.matchAll(STAR)) {
    for (const [name, declaration] of exportsOf(resolve(dirname(file), from))) found.set(name, declaration);
  }
  for (const [, list = "", from] of text.matchAll(LIST)) {
    const source = from === undefined ? undefined : exportsOf(resolve(dirname(file), from));
    for (const { inner, outer } of listed(list)) found.set(outer, source?.get(inner) ?? { file, name: inner });
  }
  return found;
}

/** Whether the text up to a place ends with a doc comment that says something. */
const isDocumented = (before: string): boolean => /\/\*\*(?:(?!\*\/)[\s\S])*\w(?:(?!\*\/)[\s\S])*\*\/\s*$/.test(before);

const MEMBER = /^ {2}((?:(?:static|readonly|async|get|set|declare) )*\*?)(\w+|\[[\w.()"]+\])\?? ?[(<:;=]/gm;
/** What its own type documents, or what every reader knows. */
const PLAIN: readonly string[] = ["constructor", "toJSON", "toString", "name"];

/** The members of a class or interface without a doc comment, after the place where it is declared. */
function bareMembers(text: string, at: number): string[] {
  const end = text.indexOf("\n}", at);
  const body = text.slice(at, end);
  return [...body.matchAll(MEMBER)].flatMap(({ index, 2: member = "" }, at, all) => {
    // The comment of the first signature is that of its overloads.
    const isOverload = all[at - 1]?.[2] === member;
    const isPlain = PLAIN.includes(member) || member.startsWith("[");
    return isPlain || isOverload || isDocumented(body.slice(0, index)) ? [] : [member];
  });
}

/** What is wrong with a declaration. */
function faultsOf({ file, name }: Declaration): string[] {
  const text = readFileSync(file, "utf8");
  const pattern = new RegExp(
    `^(?:export )?(?:declare )?(?:abstract )?(?:async )?(function\\*?|class|interface|type|const|let|enum) ${name}\\b.*$`,
    "m",
  );
  const match = pattern.exec(text);
  if (match === null) return [`${name} is not found in ${file}`];
  const bare = isDocumented(text.slice(0, match.index)) ? [] : [name];
  const hasMembers = (match[1] === "class" || match[1] === "interface") && !match[0].endsWith("}");
  const members = hasMembers ? bareMembers(text, match.index + match[0].length) : [];
  return [...bare, ...members.map((member) => `${name}.${member}`)];
}

for (const name of PACKAGES) {
  describe(`@countersign/${name}`, () => {
    for (const entry of entryPoints(name)) {
      it(`documents every export of ${entry.slice(repository.length + 1)}`, () => {
        const exported = exportsOf(entry);
        assert.ok(exported.size > 0);
        assert.deepEqual([...exported.values()].flatMap(faultsOf), []);
      });
    }
  });
}

describe("the check itself", () => {
  it("sees a declaration and a member without a comment", () => {
    const text =
      "/** A. */\nexport class A {\n  /** B. */\n  b(): void;\n  b(): void {}\n\n  c(): void;\n  c(): void {}\n  readonly d = 1;\n  #e = 1;\n}\n";
    assert.deepEqual(bareMembers(text, text.indexOf("{") + 1), ["c", "d"]);
    assert.deepEqual(
      ["/** Says it. */\n", "/** */\n", "// Says it.\n", "/** Says it. */\nconst other = 1;\n"].map(isDocumented),
      [true, false, false, false],
    );
  });
});
