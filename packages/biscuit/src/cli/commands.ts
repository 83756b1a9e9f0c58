import {
  Authorizer,
  Biscuit,
  FormatError,
  type KeyAlgorithm,
  KeyPair,
  PrivateKey,
  PublicKey,
  type UnverifiedBiscuit,
} from "../index.ts";
import { decisionOutput, type Output, tokenOutput } from "./output.ts";

/** What a command may use of the world. */
export interface CliHost {
  /** Reads a file as bytes; `-` is standard input. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
}

/** The flags of a call, after parsing. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>;

interface Call {
  readonly arguments: readonly string[];
  readonly flags: Flags;
  readonly host: CliHost;
}

/** A command of the program. */
export interface Command {
  readonly usage: string;
  readonly summary: string;
  /** The flags it takes, each with what it is for. */
  readonly flags: Readonly<Record<string, string>>;
  readonly run: (call: Call) => Promise<Output>;
}

/** A mistake in how the program was called. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const decoder = new TextDecoder("utf-8", { fatal: true });

const text = (flags: Flags, name: string): string | undefined => {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
};

function demand(flags: Flags, name: string): string {
  const value = text(flags, name);
  if (value === undefined) throw new UsageError(`missing --${name}`);
  return value;
}

/** The text in a file. */
function textOf(bytes: Uint8Array, path: string): string {
  try {
    return decoder.decode(bytes).trim();
  } catch {
    throw new FormatError("bytes", `Cannot read text that is not UTF-8: ${path}`);
  }
}

/** `@file` stands for what is in the file. */
async function textOrFile(value: string, host: CliHost): Promise<string> {
  if (!value.startsWith("@")) return value;
  const path = value.slice(1);
  return textOf(await host.readFile(path), path);
}

/** The tag of the authority block: every token in bytes has it somewhere, and no token in text. */
const AUTHORITY_TAG = 0x12;

async function readToken({ arguments: [path], host }: Call): Promise<UnverifiedBiscuit> {
  if (path === undefined) throw new UsageError("missing the file of the token; - is standard input");
  const bytes = await host.readFile(path);
  return Biscuit.parse(bytes.includes(AUTHORITY_TAG) ? bytes : textOf(bytes, path));
}

async function publicKey({ flags, host }: Call): Promise<PublicKey> {
  const key = await textOrFile(demand(flags, "public-key"), host);
  return key.startsWith("-----") ? PublicKey.fromPem(key) : PublicKey.parse(key);
}

async function privateKey({ flags, host }: Call): Promise<PrivateKey> {
  const path = demand(flags, "private-key-file");
  const key = textOf(await host.readFile(path), path);
  return key.startsWith("-----") ? PrivateKey.fromPem(key) : PrivateKey.parse(key);
}

async function inspect(call: Call): Promise<Output> {
  const token = await readToken(call);
  if (call.flags["public-key"] === undefined) return tokenOutput(token, "not verified");
  return tokenOutput(await token.verify(await publicKey(call)), "verified");
}

function algorithmOf(flags: Flags): KeyAlgorithm {
  const algorithm = text(flags, "algorithm") ?? "ed25519";
  if (algorithm === "ed25519" || algorithm === "secp256r1") return algorithm;
  throw new UsageError(`unknown algorithm: ${algorithm}; use ed25519 or secp256r1`);
}

async function keypair({ flags }: Call): Promise<Output> {
  const pair = await KeyPair.generate(algorithmOf(flags));
  const json = { privateKey: pair.privateKey.revealText(), publicKey: pair.publicKey.toString() };
  return { text: `private key: ${json.privateKey}\npublic key:  ${json.publicKey}\n`, json };
}

function rootKeyIdOf(flags: Flags): number | undefined {
  const id = text(flags, "root-key-id");
  if (id === undefined) return undefined;
  if (!/^\d+$/.test(id)) throw new UsageError(`not a root key id: ${id}`);
  return Number(id);
}

const tokenText = (token: string): Output => ({ text: `${token}\n`, json: { token } });

async function generate(call: Call): Promise<Output> {
  const builder = Biscuit.builder().code(await textOrFile(demand(call.flags, "code"), call.host));
  const id = rootKeyIdOf(call.flags);
  if (id !== undefined) builder.rootKeyId(id);
  return tokenText((await builder.build(await privateKey(call))).toBase64());
}

async function attenuate(call: Call): Promise<Output> {
  const token = await readToken(call);
  return tokenText((await token.attenuate(await textOrFile(demand(call.flags, "code"), call.host))).toBase64());
}

async function verify(call: Call): Promise<Output> {
  const token = await (await readToken(call)).verify(await publicKey(call));
  const code = text(call.flags, "authorizer");
  if (code === undefined) return { text: "verified\n", json: { verified: true } };
  return decisionOutput(new Authorizer(await textOrFile(code, call.host)).authorize(token));
}

const publicKeyFlag = { "public-key": "the root public key, as key text or @file (key text or PEM)" };
const privateKeyFlag = { "private-key-file": "a file with the root private key (key text or PEM)" };
const codeFlag = { code: "Datalog of the block, or @file" };

/** The commands of the program. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  inspect: {
    usage: "inspect FILE",
    summary: "show a token as a tree; verify it if a key is given",
    flags: publicKeyFlag,
    run: inspect,
  },
  keypair: {
    usage: "keypair",
    summary: "make a key pair",
    flags: { algorithm: "ed25519 (default) or secp256r1" },
    run: keypair,
  },
  generate: {
    usage: "generate",
    summary: "make a token",
    flags: { ...privateKeyFlag, ...codeFlag, "root-key-id": "the id by which verifiers find the root key" },
    run: generate,
  },
  attenuate: {
    usage: "attenuate FILE",
    summary: "narrow a token by a block of checks",
    flags: codeFlag,
    run: attenuate,
  },
  verify: {
    usage: "verify FILE",
    summary: "verify a token, and judge it by an authorizer if one is given",
    flags: { ...publicKeyFlag, authorizer: "Datalog of the authorizer, or @file" },
    run: verify,
  },
};
