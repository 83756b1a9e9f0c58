import { Authorizer, Biscuit, type KeyAlgorithm, KeyPair } from "../index.ts";
import type { Call, Command } from "./command.ts";
import { CliFailure, from, usageFailure } from "./failure.ts";
import { given, readPrivateKey, readPublicKey, readToken, shown, withCode } from "./inputs.ts";
import { decisionOutput, type Output, tokenOutput } from "./output.ts";

const VERIFY_HINT = "another root key than --public-key signed it, or it was changed since";

async function verified(call: Call): Promise<Biscuit> {
  const token = await readToken(call);
  const key = await readPublicKey(call);
  return from(shown(call.positional[0] ?? ""), VERIFY_HINT, () => token.verify(key));
}

async function inspect(call: Call): Promise<Output> {
  if (given(call, "public-key") === undefined) return tokenOutput(await readToken(call), "not verified");
  return tokenOutput(await verified(call), "verified");
}

function algorithmOf(call: Call): KeyAlgorithm {
  const algorithm = given(call, "algorithm") ?? "ed25519";
  if (algorithm === "ed25519" || algorithm === "secp256r1") return algorithm;
  throw usageFailure(`unknown algorithm: ${algorithm}`, "ed25519 or secp256r1");
}

async function pairOf(call: Call): Promise<KeyPair> {
  if (given(call, "private-key-file") === undefined) return KeyPair.generate(algorithmOf(call));
  if (given(call, "algorithm") !== undefined) {
    throw usageFailure("--algorithm is for a new pair; the key in --private-key-file has one");
  }
  return KeyPair.from(await readPrivateKey(call));
}

async function keypair(call: Call): Promise<Output> {
  const { "only-private-key": onlyPrivate, "only-public-key": onlyPublic } = call.flags;
  if (onlyPrivate && onlyPublic) throw usageFailure("--only-private-key and --only-public-key leave nothing");
  const pair = await pairOf(call);
  const privateKey = pair.privateKey.revealText();
  const publicKey = pair.publicKey.toString();
  if (onlyPrivate) return { text: `${privateKey}\n`, json: { privateKey } };
  if (onlyPublic) return { text: `${publicKey}\n`, json: { publicKey } };
  return { text: `private key: ${privateKey}\npublic key:  ${publicKey}\n`, json: { privateKey, publicKey } };
}

function rootKeyIdOf(call: Call): number | undefined {
  const text = given(call, "root-key-id");
  if (text === undefined) return undefined;
  const id = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (id <= 0xffff_ffff) return id;
  throw usageFailure(`not a root key id: ${text}`, "a whole number from 0 to 4294967295");
}

const tokenText = (token: string): Output => ({ text: `${token}\n`, json: { token } });

async function generate(call: Call): Promise<Output> {
  const id = rootKeyIdOf(call);
  const builder = await withCode(call, "code", (code) => Biscuit.builder().code(code));
  if (id !== undefined) builder.rootKeyId(id);
  const key = await readPrivateKey(call);
  return tokenText((await from("--code", undefined, () => builder.build(key))).toBase64());
}

async function attenuate(call: Call): Promise<Output> {
  const token = await readToken(call);
  if (token.isSealed) {
    throw new CliFailure("cannot narrow a sealed token", { hint: "ask for one that its holder did not seal" });
  }
  return tokenText((await withCode(call, "code", (code) => token.attenuate(code))).toBase64());
}

async function verify(call: Call): Promise<Output> {
  const token = await verified(call);
  if (given(call, "authorizer") === undefined) return { text: "verified\n", json: { verified: true } };
  const authorizer = await withCode(call, "authorizer", (code) => new Authorizer(code));
  return decisionOutput(authorizer.authorize(token));
}

const publicKeyFlag = { "public-key": { value: "KEY", summary: "the root public key, or @FILE with it or PEM" } };
const privateKeyFlag = (summary: string) => ({ "private-key-file": { value: "FILE", summary } });
const codeFlag = (summary: string) => ({ code: { value: "DATALOG", summary: `${summary}, or @FILE` } });

/** The commands of the program. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  keypair: {
    summary: "make a key pair, or show that of a private key",
    flags: {
      algorithm: { value: "NAME", summary: "of a new pair: ed25519 (default) or secp256r1" },
      ...privateKeyFlag("show the pair of the private key in it; make none"),
      "only-private-key": { summary: "print the private key only, as --private-key-file reads it" },
      "only-public-key": { summary: "print the public key only, as --public-key reads it" },
    },
    example: "(umask 077; biscuit keypair --only-private-key > root.key)",
    run: keypair,
  },
  generate: {
    summary: "make a token",
    flags: {
      ...privateKeyFlag("the root private key, or PEM"),
      ...codeFlag("what the token says"),
      "root-key-id": { value: "NUMBER", summary: "by which verifiers find the root key" },
    },
    example: `biscuit generate --private-key-file root.key --code 'right("file1", "read");' > token`,
    run: generate,
  },
  inspect: {
    summary: "show a token as a tree; verify it if a key is given",
    file: true,
    flags: publicKeyFlag,
    example: "biscuit inspect token --public-key @root.pub",
    run: inspect,
  },
  attenuate: {
    summary: "narrow a token by one more block",
    file: true,
    flags: codeFlag("the checks of the block"),
    example: `biscuit attenuate token --code 'check if operation("read");' > narrow`,
    run: attenuate,
  },
  verify: {
    summary: "verify a token, and judge it if an authorizer is given",
    file: true,
    flags: { ...publicKeyFlag, authorizer: { value: "DATALOG", summary: "facts and policies, or @FILE" } },
    example: "biscuit verify token --public-key @root.pub --authorizer @policy.datalog",
    run: verify,
  },
};
