import { defaultProvider } from "#crypto";
import { Authorizer } from "./authorizer.ts";
import { Biscuit } from "./biscuit.ts";
import { BlockBuilder } from "./block-builder.ts";
import { KeyPair } from "./crypto/keys.ts";
import type { CryptoOptions } from "./token-model.ts";

/** Enough for runtimes to compile, and begin to optimize, what all tokens share. */
const ROUNDS = 9;

const repeated = (count: number, make: (i: number) => number | string, separator: string): string =>
  Array.from({ length: count }, (_, i) => make(i)).join(separator);
const NUMBERS = repeated(12, (i) => i, ", ");

/** Something of every kind, with joins and loops long enough to be worth optimizing. */
const FACTS = `f([1, 2, 3], {"a": 1}, {1, 2}, hex:00, null, true);
  ${repeated(12, (i) => `e(${i}, ${i + 1}, "${i}");`, "")} ${repeated(40, (i) => `n${i}("s${i}");`, "")}
  p($a, $b) <- e($a, $b, $t), $a < 6; p($a, $c) <- p($a, $b), e($b, $c, $t), $a < 6;`;
const CHECKS = `check if e($a, $b, $s), e($b, $c, $t), $c > 11, $s + $t == "1011";
  check all e($a, $b, $s), $a + 1 == $b && ($s.contains("1") || $s != "");
  check if f($l, $m, $s, $h, $n, $b), $l.any($x -> $l.all($y -> $x * $y > 2)), $m.get("a") == 1,
    $s.union({3}).length() == 3, !$s.contains(4), (1 / 0 == 1).try_or($b), $n.type() == "null", $l == [1, 2, 3];
  check if time($t), $t < 2100-01-01T00:00:00Z, "a/b 1é".matches("(?i)^([a-c\\\\d/]+\\\\s)?(\\\\w|\\\\p{L}*){2,40}$");
  check if [${NUMBERS}].all($x -> [${NUMBERS}].all($y -> 3037000499 * 3037000498 / ($x + 2) + 4611686018427387903 > $y));
  reject if "a".starts_with("b") trusting previous;`;

/** What refusals take: a failed check that is printed, and fuel that runs out in the midst of a join. */
const REFUSED = `check if [${repeated(12, () => "2026-11-22T00:00:00Z", ", ")}].length() == 1;
  check if e($a, $b, $s), e($c, $d, $t), e($d, $f, $t), $a + $c > 100;`;
/** More than it takes to enter the facts and to print that check. */
const REFUSED_FUEL = 3000;

/**
 * Runs a token of its own through everything: runtimes compile code when it is first used, and the first token of a
 * process would wait for that. It takes a tenth or two of a second; call it while the process starts.
 *
 * @example
 * await warmUp();
 */
export async function warmUp(options: CryptoOptions = {}): Promise<void> {
  const root = await KeyPair.generate("ed25519", options.crypto);
  const authorizer = new Authorizer("time(2026-11-22T00:00:00Z); allow if p(0, $b);");
  const strict = new Authorizer(REFUSED, { limits: { fuel: REFUSED_FUEL } });
  const builder = Biscuit.builder().code(FACTS);
  const checks = new BlockBuilder(CHECKS);
  const isSync = (options.crypto ?? defaultProvider).verifySync !== undefined;
  for (let i = 0; i < ROUNDS; i++) {
    const token = await builder.build(root, options);
    const bytes = (await token.attenuate(checks, options)).toBytes();
    const verified = await Biscuit.parse(bytes).verify(root.publicKey, options);
    authorizer.authorize(verified).assertAllowed();
    strict.authorize(verified);
    // The other form of verification, and a token that ends where it begins.
    if (isSync) for (const each of [bytes, token.toBytes()]) Biscuit.parse(each).verifySync(root.publicKey, options);
  }
}
