/**
 * Whether fuel is priced as time is spent: hostile tokens around every operation on every kind of large operand, each given
 * all the fuel there is. Prints those that took longest; none should take much longer than plain arithmetic does.
 *
 *   npm run bench:prices [-- --top 20]
 */
import { parseArgs } from "node:util";
import { Authorizer, Biscuit } from "@countersign/biscuit";
import { BINARY_NAMES } from "../../packages/biscuit/src/datalog/operators.ts";
import { median } from "./measure.ts";
import { rootOf } from "./tokens.ts";

const { values } = parseArgs({ options: { top: { type: "string", default: "20" } } });

const root = rootOf("ed25519");
const authorizer = new Authorizer("allow if true;");
const maxTokenBytes = 32_768;
const runs = 5;

const repeated = (count: number, make: (i: number) => string | number, separator = ", "): string =>
  Array.from({ length: count }, (_, i) => make(i)).join(separator);
const numbers = (count: number): string => repeated(count, (i) => i);

/** Values as large as two of them in a token may be, and near twins, which take longest to tell apart. */
const OPERANDS: Readonly<Record<string, string>> = {
  integer: "7",
  "large integer": "9223372036854775807",
  date: "2026-01-01T00:00:00Z",
  boolean: "true",
  null: "null",
  "short text": `"a"`,
  "long text": `"${"a".repeat(5000)}"`,
  "its twin": `"${"a".repeat(4999)}b"`,
  "text of many scripts": `"${"é😀".repeat(1000)}"`,
  pattern: `"(a|b)*[^c]+\\\\d{3}"`,
  bytes: `hex:${"ab".repeat(3000)}`,
  "their twin": `hex:${"ab".repeat(2999)}ac`,
  "set of integers": `{${numbers(800)}}`,
  "a twin of it": `{${repeated(800, (i) => (i === 799 ? 5000 : i))}}`,
  "set of texts": `{${repeated(250, (i) => `"aaaaaaaaaaaaaaaaaaaa${i}"`)}}`,
  "set of long texts": `{"${"a".repeat(3000)}x", "${"a".repeat(3000)}y"}`,
  "set of arrays": `{${repeated(150, (i) => `[${repeated(5, (j) => i * j)}]`)}}`,
  array: `[${numbers(1200)}]`,
  "a twin of the array": `[${repeated(1200, (i) => (i === 1199 ? 1 : i))}]`,
  "array of arrays": `[${repeated(100, () => `[${numbers(8)}]`)}]`,
  "array of long texts": `["${"a".repeat(3000)}x", "${"a".repeat(3000)}y"]`,
  "deep array": `${"[".repeat(40)}${"]".repeat(40)}`,
  "map of integers": `{${repeated(500, (i) => `${i}: ${i}`)}}`,
  "map of texts": `{${repeated(250, (i) => `"aaaaaaaaaaaaaaaaaaaa${i}": ${i}`)}}`,
};

/** Runs an expression 40,000 times, or until the fuel is gone. */
const loop = (expression: string): string =>
  `check if [${numbers(200)}].any($a -> [${numbers(200)}].any($b -> (${expression}).type() == "none"));`;

function* programs(): Generator<readonly [name: string, code: string]> {
  for (const [name, value] of Object.entries(OPERANDS)) {
    yield [`${name}.length()`, loop(`${value}.length()`)];
    yield [`${name} under try_or`, loop(`(${value} + true).try_or(1)`)];
    yield [`each of ${name}`, loop(`${value}.all($c -> true)`)];
    yield* joins(name, value);
    for (const [other, argument] of Object.entries(OPERANDS)) {
      for (const op of BINARY_NAMES) {
        const expression = /^[a-z]/.test(op) ? `${value}.${op}(${argument})` : `${value} ${op} ${argument}`;
        yield [`${name} ${op} ${other}`, loop(expression)];
      }
    }
  }
}

function* joins(name: string, value: string): Generator<readonly [name: string, code: string]> {
  const edges = repeated(60, (i) => `e(${i}, ${i + 1});`, " ");
  const three = repeated(3, (i) => `f(${i}, ${value});`, " ");
  const check = "check if f($i, $x), f($j, $x), f($k, $x), f($l, $x), $i + $j + $k + $l > 100;";
  yield [`join on ${name}`, `${three} ${repeated(30, () => check, " ")}`];
  yield [
    `join with the constant ${name}`,
    `${three} ${edges} check if f($i, ${value}), e($a, $b), f($j, ${value}), e($b, $c), false;`,
  ];
  yield [
    `rules that copy ${name}`,
    `${three} ${edges} ${repeated(20, (i) => `h${i}($x, $a) <- f($i, $x), e($a, $b);`, " ")}`,
  ];
  yield [`rule that carries ${name} on`, `f(0, ${value}); ${edges} f($b, $x) <- f($a, $x), e($a, $b);`];
}

interface Sample {
  readonly program: string;
  readonly verdict: string;
  readonly fuel: number;
  readonly readMs: number;
  readonly runMs: number;
}

/** The token, or `undefined` for what does not parse or is too long. */
function tokenOf(code: string): Uint8Array | undefined {
  try {
    const bytes = Biscuit.builder().buildSync(root).attenuateSync(code).toBytes();
    return bytes.length > maxTokenBytes ? undefined : bytes;
  } catch {
    return undefined;
  }
}

function sample(program: string, bytes: Uint8Array): Sample {
  const reading: number[] = [];
  const running: number[] = [];
  let verdict = "";
  let fuel = 0;
  for (let i = 0; i < runs; i++) {
    const startedAt = performance.now();
    const token = Biscuit.parse(bytes).verifySync(root.publicKey);
    token.compiledBlocks;
    const readAt = performance.now();
    const decision = authorizer.authorize(token);
    running.push(performance.now() - readAt);
    reading.push(readAt - startedAt);
    verdict = decision.error?.code ?? (decision.allowed ? "allowed" : "denied");
    fuel = decision.fuelUsed;
  }
  const rounded = (ms: number): number => Math.round(ms * 100) / 100;
  return { program, verdict, fuel, readMs: rounded(median(reading)), runMs: rounded(median(running)) };
}

const samples: Sample[] = [];
for (const [name, code] of programs()) {
  const bytes = tokenOf(code);
  if (bytes !== undefined) samples.push(sample(name, bytes));
  if (samples.length % 500 === 0) console.error(`bench: ${samples.length} tokens`);
}
const dearest = (measure: "readMs" | "runMs"): Sample[] =>
  samples.toSorted((a, b) => b[measure] - a[measure]).slice(0, Number(values.top));
console.log(`${samples.length} tokens; those that took longest to judge, in ms`);
console.table(dearest("runMs"));
console.log("to read and verify");
console.table(dearest("readMs"));
