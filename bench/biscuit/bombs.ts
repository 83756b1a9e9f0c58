import { KeyPair } from "@countersign/biscuit";

const list = (length: number): string => `[${Array.from({ length }, (_, i) => i).join(", ")}]`;
const facts = (count: number): string => Array.from({ length: count }, (_, i) => `f(${i}, ${i % 7});`).join(" ");
const FOUR = "f($a, $w), f($b, $x), f($c, $y), f($d, $z)";
const A2000 = "a".repeat(2000);
const repeated = (count: number, make: (i: number) => string, separator = " "): string =>
  Array.from({ length: count }, (_, i) => make(i)).join(separator);
/** Sets that differ only in their last element. */
const twins = (count: number, size: number): string =>
  repeated(count, (i) => `s({${repeated(size, (j) => String(j === size - 1 ? 1000 + i : j), ",")}});`);
const twoLong = `"${"a".repeat(8000)}x", "${"a".repeat(8000)}y"`;
const p256Keys = (count: number): string =>
  repeated(count, () => `${KeyPair.generateSync("secp256r1").publicKey}`, ", ");

/** Blocks that any holder of a token can append, made to hold the verifier as long as the limits let them. */
export const BOMBS: Readonly<Record<string, string>> = {
  "product of facts": `${facts(60)} p($a, $b) <- f($a, $c), f($b, $d);`,
  "join of four in a rule": `${facts(60)} p($a) <- ${FOUR}, $a + $b + $c + $d > 100000;`,
  "join of four in a check": `${facts(60)} check if ${FOUR}, false;`,
  "join of four in check all": `${facts(60)} check all ${FOUR}, true;`,
  "many rules over many facts": `${facts(300)} ${Array.from({ length: 60 }, (_, i) => `r${i}($a, $b) <- f($a, $b), f($b, $a);`).join(" ")}`,
  "rules that feed each other": `n(0); ${Array.from({ length: 9 }, (_, i) => `n($a + ${i}) <- n($a);`)
    .map((rule) => rule.replace(/\$a \+ \d/, "$a"))
    .join(
      " ",
    )} e(0, 1); ${Array.from({ length: 60 }, (_, i) => `e(${i}, ${i + 1});`).join(" ")} path($a, $b) <- e($a, $b); path($a, $c) <- path($a, $b), e($b, $c);`,
  "facts of large sets": Array.from(
    { length: 20 },
    (_, i) => `s({${Array.from({ length: 200 }, (_, j) => i * j).join(", ")}});`,
  ).join(" "),
  "join on large sets": `${Array.from({ length: 15 }, (_, i) => `s({${Array.from({ length: 100 }, (_, j) => j + i).join(", ")}});`).join(" ")} check if s($a), s($b), s($a), s($b), false;`,
  "closures over arrays": `check if ${list(100)}.any($a -> ${list(100)}.any($b -> ${list(100)}.any($c -> $a + $b + $c > 9999)));`,
  "64-bit arithmetic": `check if ${list(200)}.any($a -> ${list(200)}.any($b -> 3037000499 * 3037000498 / ($a + 2) + 4611686018427387903 - $b == 1));`,
  "unions of sets": `check if ${list(100)}.any($a -> ${list(100)}.any($b -> {${list(60).slice(1, -1)}}.union({"a"}).length() == 0));`,
  "equality of large arrays": `check if ${list(500)}.any($a -> ${list(500)} == ${list(500)} && false);`,
  "failures under try_or": `check if ${list(200)}.any($a -> ${list(200)}.any($b -> (1 / 0 == 1).try_or(false)));`,
  concatenation: `check if ${list(1000)}.any($x -> ("${"a".repeat(1000)}" + "${"b".repeat(1000)}").length() == $x);`,
  "search of a long text": `check if ${list(1000)}.any($x -> "${A2000}b".contains("${"a".repeat(1000)}c"));`,
  "length of a long text": `check if ${list(1000)}.any($x -> "${"é".repeat(2000)}".length() == $x);`,
  "regex: repeated repetition": `check if "${A2000}".matches("((a{100}){100}){100}");`,
  "regex: wide repetition": `check if "${A2000}".matches("(?:a?){200}b");`,
  "regex: nested star over a long text": `check if ${list(1000)}.any($x -> "${A2000}!".matches("(a+)+$"));`,
  "regex: case folding of all letters": `check if "${Array.from({ length: 700 }, (_, i) => String.fromCodePoint(0x3b1 + i)).join("")}".matches("(?i)(?:[\\\\p{L}&&[^\\\\p{Greek}--x]]|.)*!");`,
  "regex: states that never repeat": `check if "${Array.from({ length: 1500 }, (_, i) => "ab"[(i * i * 7 + (i >> 3)) & 1]).join("")}".matches("[ab]*a[ab]{12}!");`,
  "regex: many characters of many scripts": `check if "${Array.from({ length: 3000 }, (_, i) => String.fromCodePoint(0x4e00 + i * 5)).join("")}".matches("\\\\w+!");`,
  "regex: many patterns": `check if ${Array.from({ length: 200 }, (_, i) => `"a".matches("[a-z]${i}|(b${i})*\\\\d")`).join(" || ")};`,
  "regex: many names of no property": `check if ${Array.from({ length: 200 }, (_, i) => `"a".matches("\\\\p{Zz${i}}").try_or(false)`).join(" || ")};`,
  "regex: large classes": `check if "${"z".repeat(1000)}".matches("(?:[${Array.from({ length: 500 }, (_, i) => String.fromCodePoint(0x400 + 2 * i)).join("")}]|z)*!");`,
  "lookups of large sets": `${twins(30, 100)} ${repeated(40, () => "check if s($a), s($b), s($c), s($a), s($b), s($c), s($a), s($b), false;")}`,
  "sets of long texts, sorted": repeated(60, () => `s({${twoLong}});`),
  "long texts, printed": `check if false, [${repeated(60, () => `"${"a".repeat(15_000)}"`, ",")}].length() == 3;`,
  "dates, printed": `check if false, [${repeated(3720, (i) => new Date((i % 120) * 1000).toISOString().replace(".000", ""), ",")}].length() == 3;`,
  "hundreds of P-256 keys": `check if true trusting ${p256Keys(600)};`,
  "wide predicates": `${repeated(100, (i) => `e(${i}, ${i + 1});`)} n(0); n($b) <- n($a), e($a, $b); q($a) <- n($a), w(${repeated(5000, (i) => `$x${i % 50}`, ",")});`,
  "equality of long bytes": `check if ${list(200)}.any($a -> ${list(200)}.any($b -> hex:${"ab".repeat(6000)} == hex:${"ab".repeat(5999)}ac));`,
  "affix of a long text": `check if ${list(200)}.any($a -> ${list(200)}.any($b -> "${"a".repeat(8000)}".starts_with("${"a".repeat(7999)}b")));`,
  "regex: a long pattern without case": `check if "x".matches("(?i)${"é".repeat(4900)}");`,
  "many symbols": Array.from({ length: 1300 }, (_, i) => `a${i}("b${i}");`).join(" "),
  "one deep expression": `check if ${"(".repeat(40)}true${")".repeat(40)};`.repeat(30),
};
