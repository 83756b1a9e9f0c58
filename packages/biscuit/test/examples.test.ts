import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";

const sources = join(import.meta.dirname, "../src");
const urlOf = (file: string): string => pathToFileURL(join(sources, file)).href;

/** Where an example finds what it uses. */
const MODULES = [
  "index.ts",
  "warm-up.ts",
  "limits.ts",
  "regex/regex.ts",
  "crypto/node.ts",
  "crypto/noble.ts",
  "cli/cli.ts",
];

/** What the examples take for granted: a token on its way from an issuer to a service. */
const GIVEN = `
const root = await KeyPair.generate();
const rootKey = root.publicKey;
const token = await Biscuit.builder().code('user("alice"); right("file1", "read");').build(root);
const text = token.toBase64();
const key = await KeyPair.generate();
const received = token.thirdPartyRequest().toBase64();
const send = (answer) => ThirdPartyBlock.parse(answer);
const authorizer = new Authorizer("allow if user($name);");
const myHardwareProvider = nodeProvider();
const readFile = async () => "";
`;

interface Example {
  readonly file: string;
  readonly line: number;
  readonly code: string;
}

/** Every example of a file: what follows the tag, up to the next tag or the end of the comment. */
function examplesOf(file: string): Example[] {
  const text = readFileSync(join(sources, file), "utf8");
  return [...text.matchAll(/^ *\* @example\n((?: *\*(?! @|\/).*\n)*)/gm)].map((match) => ({
    file,
    line: text.slice(0, match.index).split("\n").length,
    code: (match[1] ?? "").replace(/^ *\* ?/gm, ""),
  }));
}

const examples = readdirSync(sources, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .sort()
  .flatMap(examplesOf);

/** An example as a module that exports what its lines with a comment give, beside what the comments say. */
function program({ code }: Example): { readonly module: string; readonly expected: readonly string[] } {
  const expected: string[] = [];
  const body = code
    .replace(/^import .*$/gm, "")
    .replace(/^(.*); \/\/ (.*)$/gm, (_, statement: string, value: string) => {
      expected.push(value);
      return statement.startsWith("console.log(") ? `${statement};` : `console.log(${statement});`;
    });
  const imports = [...code.matchAll(/^(import .* from )"(.*)";$/gm)].map(
    ([, clause = "", name = ""]) => `${clause}${JSON.stringify(import.meta.resolve(name))};`,
  );
  const names = MODULES.map((file, i) => `import * as module${i} from ${JSON.stringify(urlOf(file))};`);
  const module = `${imports.join("\n")}
${names.join("\n")}
const everything = { ${MODULES.map((_, i) => `...module${i}`).join(", ")} };
const { ${USED.join(", ")} } = everything;
export const printed = [];
const console = { log: (...values) => printed.push(values.join(" ")) };
${GIVEN}
{
${body}
}`;
  return { module, expected };
}

const USED = (
  "Authorizer Biscuit BlockBuilder KeyPair PrivateKey PublicKey SignatureCache ThirdPartyBlock ThirdPartyRequest Timestamp " +
  "datalog fact parseBiscuitWebKeys restoreSnapshot strictProvider takeSnapshot warmUp webCryptoProvider nobleProvider " +
  "nodeProvider Fuel compileRegex runCli verifyToken"
).split(" ");

/** Whether a comment states this value: as it is printed, as a literal, or up to an ellipsis. */
function states(comment: string, value: string): boolean {
  if (comment.endsWith("…")) return value.startsWith(comment.slice(0, -1));
  return comment === value || comment === JSON.stringify(value);
}

describe("the examples of doc comments", () => {
  it("are found", () => {
    assert.ok(examples.length >= 20, String(examples.length));
    assert.equal(examples.filter(({ code }) => code.trim() === "").length, 0);
    assert.ok(examples.flatMap((example) => program(example).expected).length >= 5);
  });

  for (const example of examples) {
    it(`run and give what they say: ${example.file}:${example.line}`, async () => {
      const { module, expected } = program(example);
      const { printed } = await import(`data:text/javascript,${encodeURIComponent(module)}`);
      assert.equal(printed.length, expected.length);
      for (const [i, comment] of expected.entries())
        assert.ok(states(comment, printed[i]), `${printed[i]}: ${comment}`);
    });
  }
});
