// Adds to vectors/biscuit: tokens for what the official samples do not cover. Run it after adding a row; a vector that is
// there already stays as it is.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Authorizer, Biscuit, type Decision, fact, KeyPair, PrivateKey, takeSnapshot } from "@countersign/biscuit";
import { formatEcdsaDer, parseEcdsaDer } from "../src/crypto/ecdsa-signature.ts";
import { P256_ORDER } from "../src/crypto/p256.ts";
import type { ProtobufWriter } from "../src/format/protobuf.ts";
import { readContainer, writeContainer } from "../src/format/wrapper.ts";
import { forgeToken, message, rawBlock, rootKey, thirdKey } from "./forge.ts";

const folder = join(import.meta.dirname, "../../../vectors/biscuit");
const p256Root = KeyPair.fromSync(PrivateKey.parse(`secp256r1-private/${"5d".repeat(32)}`));

interface TokenRow {
  readonly id: string;
  readonly reason: string;
  readonly token: Uint8Array;
  /** The code of the error that refuses the token before any authorizer sees it. */
  readonly refused?: string;
  readonly authorizer?: string;
  readonly limits?: Readonly<Record<string, number>>;
  readonly root?: KeyPair;
}

const mint = (code: string): Biscuit => Biscuit.builder().code(code).buildSync(rootKey);
const block = (
  version: number,
  write?: (writer: ProtobufWriter) => void,
  symbols: readonly string[] = [],
): Uint8Array => forgeToken([{ data: rawBlock({ version, symbols }, write) }]);

const factOf =
  (name: number, term: (writer: ProtobufWriter) => void) =>
  (writer: ProtobufWriter): void =>
    writer.message(4, () =>
      writer.message(1, () => {
        writer.uint64(1, name);
        writer.message(2, () => term(writer));
      }),
    );

const checkOf =
  (kind: number | undefined, scope?: (writer: ProtobufWriter) => void) =>
  (writer: ProtobufWriter): void =>
    writer.message(6, () => {
      writer.message(1, () => {
        writer.message(1, () => writer.uint64(1, 27));
        writer.message(3, () => writer.message(1, () => writer.message(1, () => writer.uint64(6, 1))));
        if (scope !== undefined) writer.message(4, () => scope(writer));
      });
      if (kind !== undefined) writer.uint64(2, kind);
    });

/** A term of arrays in one another, written from the inside out: the writer would refuse what readers must refuse. */
function nested(depth: number): (writer: ProtobufWriter) => void {
  if (depth === 0) return (writer) => writer.int64(2, 1);
  const inner = message(nested(depth - 1));
  return (writer) =>
    writer.bytes(
      9,
      message((array) => array.bytes(1, inner)),
    );
}

/** The same token with the other of the two values that its ECDSA signature can take. */
function twin(token: Biscuit): Uint8Array {
  const container = readContainer(token.toBytes());
  const [first] = container.blocks;
  const parsed = parseEcdsaDer(first.signature);
  if (parsed === undefined) throw new TypeError("Not an ECDSA signature");
  const signature = formatEcdsaDer({ r: parsed.r, s: P256_ORDER - parsed.s });
  return writeContainer({ ...container, blocks: [{ ...first, signature }] });
}

const plain = mint(`right("file1", "read");`);
const sealed = plain.sealSync();
const otherSeal = readContainer(mint(`right("file2", "read");`).sealSync().toBytes()).proof;
const p256Token = Biscuit.builder().code(`right("file1", "read");`).buildSync(p256Root);
const chain = Array.from({ length: 120 }, (_, i) => `next(${i}, ${i + 1});`).join(" ");
const facts = Array.from({ length: 40 }, (_, i) => `f(${i});`).join(" ");

const rows: readonly TokenRow[] = [
  {
    id: "deny-match",
    reason: "A deny policy that matches is named in the error",
    token: plain.toBytes(),
    authorizer: `deny if right("file1", "read"); allow if true;`,
  },
  {
    id: "no-matching-policy",
    reason: "No policy matches and a check fails: both are reported",
    token: mint(`check if operation("read");`).toBytes(),
    authorizer: `allow if operation("write");`,
  },
  {
    id: "too-many-facts",
    reason: "A product of facts passes 1000 facts",
    token: mint(`${facts} p($a, $b) <- f($a), f($b);`).toBytes(),
    authorizer: "allow if true;",
  },
  {
    id: "too-many-iterations",
    reason: "A chain of 120 steps needs more than 100 rounds",
    token: mint(`${chain} at(0); at($y) <- at($x), next($x, $y);`).toBytes(),
    authorizer: "allow if true;",
  },
  {
    id: "fuel",
    reason: "A join of four predicates over 40 facts ends at the limit of work, not of time",
    token: mint(`${facts} check if f($a), f($b), f($c), f($d), false;`).toBytes(),
    authorizer: "allow if true;",
    limits: { fuel: 100_000 },
  },
  {
    id: "divide-by-zero",
    reason: "Division by zero is an execution error, which denies",
    token: mint(`check if 1 / 0 === 1;`).toBytes(),
    authorizer: "allow if true;",
  },
  {
    id: "divide-overflow",
    reason: "The smallest integer divided by -1 counts as a division by zero",
    token: mint(`check if -9223372036854775808 / -1 === 1;`).toBytes(),
    authorizer: "allow if true;",
  },
  {
    id: "undefined-extern",
    reason: "A call of an extern function that the host lacks is an execution error",
    token: mint(`check if 1.extern::missing();`).toBytes(),
    authorizer: "allow if true;",
  },
  {
    id: "strict-equality-of-types",
    reason: "=== on values of two types is an execution error",
    token: mint(`check if 1 === "1";`).toBytes(),
    authorizer: "allow if true;",
  },
  {
    id: "reject-if-any",
    reason: "`reject if` fails when any of its queries matches; the reference lets this token pass",
    token: mint(`p(2); reject if p(1) or p(2);`).toBytes(),
    authorizer: "allow if true;",
  },
  {
    id: "reject-if-none",
    reason: "`reject if` holds when none of its queries matches",
    token: mint(`p(3); reject if p(1) or p(2);`).toBytes(),
    authorizer: "allow if true;",
  },
  {
    id: "int64-exact",
    reason: "64-bit integers are exact past 2^53",
    token: mint(`n(9007199254740993); check if n($n), $n - 9007199254740992 === 1;`).toBytes(),
    authorizer: "allow if n(9007199254740993);",
  },
  {
    id: "regex-unicode",
    reason: "\\d and \\w are Unicode; look-ahead is no pattern, so it does not match",
    token: mint(`check if "٣".matches("^\\\\d$"), !"ab".matches("a(?=b)");`).toBytes(),
    authorizer: "allow if true;",
  },
  { id: "version-2", reason: "Datalog version 2 is refused", token: block(2), refused: "version" },
  { id: "version-7", reason: "Datalog version 7 is refused", token: block(7), refused: "version" },
  {
    id: "version-absent",
    reason: "A block without a version is refused",
    token: forgeToken([{ data: message(() => {}) }]),
    refused: "version",
  },
  {
    id: "signature-version-2",
    reason: "Signature payload version 2 is refused",
    token: forgeToken([{ data: rawBlock({}), version: 2 }]),
    refused: "payload_version",
  },
  {
    id: "v3-check-kind",
    reason: "Version 3 has no check kinds, not even the default one",
    token: block(3, checkOf(0)),
    refused: "feature_version",
  },
  {
    id: "v3-scope",
    reason: "Version 3 has no scopes",
    token: block(
      3,
      checkOf(undefined, (writer) => writer.uint64(1, 0)),
    ),
    refused: "feature_version",
  },
  { id: "v5-reject-if", reason: "reject if needs version 6", token: block(5, checkOf(2)), refused: "feature_version" },
  {
    id: "v5-null",
    reason: "null needs version 6",
    token: block(
      5,
      factOf(0, (writer) => writer.message(8, () => {})),
    ),
    refused: "feature_version",
  },
  {
    id: "v3-array",
    reason: "Arrays do not: the reference lets version 3 have them",
    token: block(3, factOf(0, nested(1))),
    authorizer: "allow if read([1]);",
  },
  {
    id: "v4-third-party",
    reason: "Third-party blocks need version 5",
    token: forgeToken([{ data: rawBlock({}) }, { data: rawBlock({ version: 4 }), external: thirdKey }]),
    refused: "feature_version",
  },
  {
    id: "third-party-signature-version-0",
    reason: "A third-party block with signature version 0 is not bound to its token",
    token: forgeToken([{ data: rawBlock({}) }, { data: rawBlock({ version: 5 }), version: 0, external: thirdKey }]),
    refused: "third_party_version",
  },
  {
    id: "authority-third-party",
    reason: "The authority has no external signature",
    token: forgeToken([{ data: rawBlock({ version: 5 }), external: thirdKey }]),
    refused: "authority_external",
  },
  {
    id: "symbol-default",
    reason: "A block may not declare a default symbol",
    token: block(3, undefined, ["read"]),
    refused: "symbol_overlap",
  },
  {
    id: "symbol-overlap",
    reason: "Two blocks may not declare one symbol",
    token: forgeToken([{ data: rawBlock({ symbols: ["a"] }) }, { data: rawBlock({ symbols: ["a"] }) }]),
    refused: "symbol_overlap",
  },
  {
    id: "symbol-unknown",
    reason: "An index past the table is refused",
    token: block(
      3,
      factOf(1024, (writer) => writer.int64(2, 1)),
    ),
    refused: "unknown_symbol",
  },
  {
    id: "symbol-reserved",
    reason: "The indices 28 to 1023 stand for nothing",
    token: block(
      3,
      factOf(28, (writer) => writer.int64(2, 1)),
    ),
    refused: "unknown_symbol",
  },
  {
    id: "key-unknown",
    reason: "A scope may not name a key past the table",
    token: block(
      4,
      checkOf(undefined, (writer) => writer.int64(2, 0)),
    ),
    refused: "unknown_key",
  },
  {
    id: "seal-of-another-token",
    reason: "A seal is over the last block",
    token: writeContainer({ ...readContainer(plain.toBytes()), proof: otherSeal }),
    refused: "invalid_signature",
  },
  {
    id: "proof-of-another-key",
    reason: "The secret must belong to the last next key",
    token: writeContainer({
      ...readContainer(sealed.toBytes()),
      proof: { kind: "secret", secret: thirdKey.privateKey.revealBytes() },
    }),
    refused: "proof_key",
  },
  {
    id: "arrays-48-deep",
    reason: "48 arrays in one another are within protobuf's 100 levels",
    token: block(6, factOf(0, nested(48))),
    authorizer: "allow if true;",
  },
  { id: "arrays-49-deep", reason: "49 are not", token: block(6, factOf(0, nested(49))), refused: "bytes" },
  {
    id: "names-outside-ascii",
    reason: "Names of facts and variables may be any text on the wire",
    token: block(
      3,
      (writer) =>
        writer.message(4, () =>
          writer.message(1, () => {
            writer.uint64(1, 1024);
            writer.message(2, () => writer.uint64(3, 1025));
          }),
        ),
      ["café", "日本"],
    ),
    authorizer: "allow if true;",
  },
  {
    id: "p256-signature",
    reason: "A secp256r1 root",
    token: p256Token.toBytes(),
    authorizer: "allow if true;",
    root: p256Root,
  },
  {
    id: "p256-signature-twin",
    reason:
      "The other form (r, n - s) of the same signature verifies too, under another revocation id but the same normalized one",
    token: twin(p256Token),
    authorizer: "allow if true;",
    root: p256Root,
  },
];

function decide(row: TokenRow): Decision | undefined {
  if (row.authorizer === undefined) return undefined;
  const token = Biscuit.parse(row.token).verifySync((row.root ?? rootKey).publicKey);
  return new Authorizer(row.authorizer, { limits: row.limits ?? {} }).authorize(token);
}

const published: { readonly tokens: readonly { readonly id: string }[]; readonly [name: string]: unknown } = JSON.parse(
  readFileSync(join(folder, "vectors.json"), "utf8"),
);

function tokenVector(row: TokenRow): object {
  const known = published.tokens.find(({ id }) => id === row.id);
  if (known !== undefined) return known;
  const { id, reason, refused, authorizer, limits } = row;
  writeFileSync(join(folder, `${id}.bc`), row.token);
  const rootKeyText = (row.root ?? rootKey).publicKey.toString();
  if (refused !== undefined) return { id, reason, file: `${id}.bc`, root_public_key: rootKeyText, refused };
  const token = Biscuit.parse(row.token).verifySync((row.root ?? rootKey).publicKey);
  return {
    id,
    reason,
    file: `${id}.bc`,
    root_public_key: rootKeyText,
    authorizer,
    ...(limits && { limits }),
    result: decide(row)?.toRustJson(),
    blocks: token.blocks.map(({ source }) => source),
    revocation_ids: token.revocationIds,
    normalized_revocation_ids: token.normalizedRevocationIds,
  };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function thirdPartyVector(): object {
  const request = plain.thirdPartyRequest();
  const response = request.createBlockSync(thirdKey, `group("admin"); check if right("file1", "read");`);
  return {
    id: "third-party-messages",
    reason: "The request and the signed block of a third party, as they cross the wire",
    token: hex(plain.toBytes()),
    root_public_key: rootKey.publicKey.toString(),
    third_party_private_key: thirdKey.privateKey.revealText(),
    third_party_public_key: thirdKey.publicKey.toString(),
    request: hex(request.toBytes()),
    code: `group("admin");\ncheck if right("file1", "read");\n`,
    block: hex(response.toBytes()),
  };
}

function snapshotVector(): object {
  const code = `allow if right($file, $op), resource($file), operation($op);`;
  const token = mint(`right("file1", "read"); right($f, "list") <- right($f, "read");`);
  const evaluation = new Authorizer(code).evaluate(token, {
    facts: [fact("resource", "file1"), fact("operation", "list")],
  });
  return {
    id: "snapshot",
    reason: "An evaluation that was run, with its token, its authorizer and what the rules derived",
    snapshot: hex(takeSnapshot(evaluation)),
    result: evaluation.decide().toRustJson(),
    facts: evaluation
      .dump()
      .facts.map(({ origin, facts }) => ({ origin: origin.map((block) => block ?? null), facts })),
  };
}

const vectors = {
  description: published.description,
  tokens: rows.map(tokenVector),
  third_party: published.third_party ?? thirdPartyVector(),
  snapshot: published.snapshot ?? snapshotVector(),
};
writeFileSync(join(folder, "vectors.json"), `${JSON.stringify(vectors, undefined, 2)}\n`);
