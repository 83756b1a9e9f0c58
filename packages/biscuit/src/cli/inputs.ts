import { Biscuit, PrivateKey, PublicKey, type UnverifiedBiscuit } from "../index.ts";
import type { Call, CliHost } from "./command.ts";
import { CliFailure, from, usageFailure } from "./failure.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "you may not read it",
  EISDIR: "it is a folder",
};

/** A file, as messages name it. */
export const shown = (path: string): string => (path === "-" ? "standard input" : path || "a file without a name");

/** A host of which standard input, which can be read to its end but once, is asked for but once. */
export function readingOnce(host: CliHost): CliHost {
  let taken = false;
  const readFile = async (path: string): Promise<Uint8Array> => {
    if (path === "-" && taken) throw usageFailure("standard input is asked for twice", "give one of the two as a file");
    taken ||= path === "-";
    return host.readFile(path);
  };
  return { ...host, readFile };
}

async function readBytes(path: string, host: CliHost): Promise<Uint8Array> {
  try {
    const bytes = await host.readFile(path);
    if (bytes.length > 0) return bytes;
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    const problem = "code" in error ? FILE_PROBLEMS[String(error.code)] : undefined;
    throw new CliFailure(`cannot read ${shown(path)}: ${problem ?? error.message}`);
  }
  throw new CliFailure(`cannot use ${shown(path)}: there is nothing in it`);
}

function textOf(bytes: Uint8Array, path: string): string {
  try {
    return decoder.decode(bytes).trim();
  } catch {
    throw new CliFailure(`cannot read text that is not UTF-8: ${shown(path)}`);
  }
}

/** Text of a flag, and where it stands: `@file` is what is in the file. */
interface Text {
  readonly text: string;
  readonly place: string;
}

async function textOrFile(value: string, place: string, host: CliHost): Promise<Text> {
  const path = value.startsWith("@") ? value.slice(1) : undefined;
  const text = path === undefined ? value.trim() : textOf(await readBytes(path, host), path);
  if (text === "") throw usageFailure(`${place} is empty`);
  return { text, place: path === undefined ? place : shown(path) };
}

/** What a flag was given. */
export function given({ flags }: Call, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}

function demand(call: Call, name: string, hint?: string): string {
  const value = given(call, name);
  if (value === undefined) throw usageFailure(`--${name} is missing`, hint);
  return value;
}

/** The tag of the authority block: every token in bytes has it somewhere, and no token in text. */
const AUTHORITY_TAG = 0x12;

const TOKEN_HINT = "a token is one line of base64, or bytes; it must be whole and unchanged";

/** The token in the file that is named. */
export async function readToken({ positional: [path], host }: Call): Promise<UnverifiedBiscuit> {
  if (path === undefined) throw usageFailure("the FILE of the token is missing", "- is standard input");
  const bytes = await readBytes(path, host);
  const token = bytes.includes(AUTHORITY_TAG) ? bytes : textOf(bytes, path);
  return from(shown(path), TOKEN_HINT, () => Biscuit.parse(token));
}

const PUBLIC_KEY_HINT = "give ed25519/… or secp256r1/…, or @FILE with that or PEM (PUBLIC KEY)";

/** The key in `--public-key`. */
export async function readPublicKey(call: Call): Promise<PublicKey> {
  const { text, place } = await textOrFile(demand(call, "public-key", PUBLIC_KEY_HINT), "--public-key", call.host);
  return from(place, PUBLIC_KEY_HINT, () =>
    text.startsWith("-----") ? PublicKey.fromPem(text) : PublicKey.parse(text),
  );
}

const PRIVATE_KEY_HINT =
  "it must hold what biscuit keypair --only-private-key prints, or a key of Ed25519 or P-256 as openssl pkcs8 -topk8 -nocrypt writes it";

/** The key in the file that `--private-key-file` names. */
export async function readPrivateKey(call: Call): Promise<PrivateKey> {
  const path = demand(call, "private-key-file", "(umask 077; biscuit keypair --only-private-key > FILE) makes one");
  const text = textOf(await readBytes(path, call.host), path);
  return from(shown(path), PRIVATE_KEY_HINT, () =>
    text.startsWith("-----") ? PrivateKey.fromPem(text) : PrivateKey.parse(text),
  );
}

/** Puts the Datalog of a flag to use. */
export async function withCode<T>(call: Call, name: string, use: (code: string) => T | Promise<T>): Promise<T> {
  const { text, place } = await textOrFile(demand(call, name), `--${name}`, call.host);
  return from(place, undefined, () => use(text));
}
