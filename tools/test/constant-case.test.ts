// A constant of a module that is a number, a text or a pattern is in capitals, so that it is told from what is computed.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Expression, parseSync, type Statement } from "oxc-parser";

const repository = join(import.meta.dirname, "../..");
const inCapitals = /^[A-Z][A-Z0-9_]*$/;

/** Whether a value is written out: a literal, or calculated from literals and constants in capitals. */
function isLiteral(value: Expression): boolean {
  switch (value.type) {
    case "Literal":
      return value.value !== null || "regex" in value;
    case "TemplateLiteral":
      return value.expressions.every(isLiteral);
    case "UnaryExpression":
      return isLiteral(value.argument);
    case "BinaryExpression":
      return value.left.type !== "PrivateIdentifier" && isLiteral(value.left) && isLiteral(value.right);
    case "TSAsExpression":
    case "TSSatisfiesExpression":
      return isLiteral(value.expression);
    default:
      return value.type === "Identifier" && inCapitals.test(value.name);
  }
}

/** The constants of a module that are literals and not in capitals. */
function misnamed(file: string, text: string): readonly string[] {
  return parseSync(file, text).program.body.flatMap((statement) =>
    constantsOf(statement).filter((name) => !inCapitals.test(name)),
  );
}

function constantsOf(statement: Statement): readonly string[] {
  const declared = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
  if (declared?.type !== "VariableDeclaration" || declared.kind !== "const") return [];
  return declared.declarations.flatMap(({ id, init }) =>
    id.type === "Identifier" && init !== null && init.type !== "Identifier" && isLiteral(init) ? [id.name] : [],
  );
}

describe("constants", () => {
  for (const { text, names } of [
    { text: "const maxKeys = 16;", names: ["maxKeys"] },
    { text: "export const dayMs = 24 * 3_600_000;", names: ["dayMs"] },
    { text: "const shape = /^a$/u;", names: ["shape"] },
    { text: "const long = `$" + "{MAX} ms`;", names: ["long"] },
    { text: "const MAX = -1n; const table = { max: 1 }; const read = () => 1; const other = MAX;", names: [] },
  ]) {
    it(`of "${text}" that would be in capitals: ${names.join() || "none"}`, () => {
      assert.deepEqual(misnamed("a.ts", text), names);
    });
  }

  it("of the packages are in capitals where they are literals", () => {
    const files = globSync("packages/*/src/**/*.ts", { cwd: repository });
    const wrong = files.flatMap((file) =>
      misnamed(file, readFileSync(join(repository, file), "utf8")).map((name) => `${file}: ${name}`),
    );
    assert.deepEqual(wrong, []);
  });
});
