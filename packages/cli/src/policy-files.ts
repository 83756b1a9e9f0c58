import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  compilePolicy,
  openKeyEncryptionKeyFile,
  openSealedRules,
  type Policy,
  PolicyError,
  type PolicyFault,
  placeOf,
  readPolicy,
  readSealedRules,
} from "@countersign/authority";
import { parseJson, type Random } from "@countersign/protocol";
import { CliFailure, reasonOf } from "./failure.ts";
import { parseToml } from "./toml.ts";

/** A policy with the text that it was read from. */
export interface LoadedPolicy {
  readonly policy: Policy;
  /** File and line of a place in the document; the file alone where the line cannot be told. */
  readonly placeIn: (path: readonly (string | number)[]) => string;
}

/**
 * Reads a policy: a file, a folder that holds clients.toml and resources.toml, or these two.
 *
 * @throws {CliFailure} naming file, line and member of every fault.
 */
export function loadPolicy(path: string, ...more: readonly string[]): LoadedPolicy {
  const files = [path, ...more].flatMap(filesOf).map((file) => ({ file, text: readText(file) }));
  const [first] = files;
  if (first !== undefined && readSealedRules(first.text) !== undefined) {
    throw new CliFailure(`these rules are sealed: ${path}`, {
      hints: ["name their key with policy.key_file, or print them with: countersign rules open"],
    });
  }
  if (files.length === 1 && first !== undefined) return policyFromText(first.text, first.file);
  return readTrees(
    files.map(({ file, text }) => parseToml(text, file)),
    () => path,
  );
}

/**
 * Reads the text of a policy: TOML, or JSON, as confidential-token-broker has its rules.
 *
 * @throws {CliFailure} naming file, line and member of every fault.
 */
export function policyFromText(text: string, file: string): LoadedPolicy {
  const isJson = text.trimStart().startsWith("{");
  const tree = isJson ? jsonTree(text, file) : parseToml(text, file);
  return readTrees([tree], (place) => (isJson ? file : `${file}:${lineOf(text, place)}`));
}

function jsonTree(text: string, file: string): object {
  try {
    const tree: unknown = parseJson(Buffer.from(text), { maxBytes: MAX_JSON_BYTES });
    if (typeof tree === "object" && tree !== null) return tree;
  } catch (error) {
    throw new CliFailure(`this is no JSON: ${file}`, { hints: [reasonOf(error)] });
  }
  throw new CliFailure(`this is no JSON object: ${file}`);
}

const MAX_JSON_BYTES = 4 * 1024 * 1024;

function readTrees(trees: readonly object[], placeIn: LoadedPolicy["placeIn"]): LoadedPolicy {
  try {
    return { policy: compilePolicy(readPolicy(...trees)), placeIn };
  } catch (error) {
    if (error instanceof PolicyError) throw failureOf(error.faults, placeIn);
    throw error;
  }
}

/** The policy that a server runs, and of one that was sealed what keeps older ones out. */
export interface ServedPolicy {
  readonly policy: Policy;
  readonly sealed?: { readonly version: number; readonly file: string };
}

/**
 * Reads the policy that a server is to run. Where a key is configured, only what was sealed under it is one: whoever can
 * replace the file could put a plain one in its place.
 *
 * @throws {CliFailure}
 */
export async function loadServedPolicy(
  { file, key_file: keyFile }: { readonly file?: string | undefined; readonly key_file?: string | undefined },
  random: Random,
): Promise<ServedPolicy | undefined> {
  if (file === undefined) return undefined;
  if (keyFile === undefined) return { policy: loadPolicy(file).policy };
  const text = readText(file);
  const opened = await openSealedText(text, { file, keyFile, random });
  const { policy } = policyFromText(opened, file);
  const { version } = policy;
  return { policy, sealed: { version, file: text } };
}

/**
 * The text of sealed rules.
 *
 * @throws {CliFailure} when they are not sealed, there is no key, it is another, or anything was changed.
 */
export async function openSealedText(
  text: string,
  { file, keyFile, random }: { readonly file: string; readonly keyFile: string; readonly random: Random },
): Promise<string> {
  const sealed = readSealedRules(text);
  if (sealed === undefined) throw new CliFailure(`these are no sealed rules: ${file}`);
  if (statSync(keyFile, { throwIfNoEntry: false }) === undefined) throw new CliFailure(`there is no key: ${keyFile}`);
  try {
    return await openSealedRules(sealed, await openKeyEncryptionKeyFile({ path: keyFile, random }));
  } catch (error) {
    throw new CliFailure(`cannot open the sealed rules: ${file}`, { hints: [reasonOf(error)] });
  }
}

function filesOf(path: string): readonly string[] {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? [join(path, "clients.toml"), join(path, "resources.toml")] : [path];
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CliFailure(`cannot read the policy: ${file}`, { hints: [reasonOf(error)] });
  }
}

function failureOf(faults: readonly PolicyFault[], placeIn: LoadedPolicy["placeIn"]): CliFailure {
  const lines = faults.map(({ path, message }) => `${placeIn(path)}: ${placeOf(path)} ${message}`);
  const [only = ""] = lines;
  if (lines.length === 1) return new CliFailure(only);
  return new CliFailure(`the policy is wrong in ${lines.length} places`, { hints: lines });
}

/** The line on which a member is set, or the table that holds it begins. */
function lineOf(text: string, path: readonly (string | number)[]): number {
  const [section = "", second, ...rest] = path.map(String);
  const header = typeof path[1] === "number" ? `[[${section}]]` : `[${section}.${second ?? ""}]`;
  const lines = text.split("\n");
  const squeezed = lines.map((line) => line.replace(/\s+/g, "").replace(/["']/g, ""));
  const starts = squeezed.flatMap((line, at) => (line.replace(/#.*/, "") === header ? [at] : []));
  const start = typeof path[1] === "number" ? starts[path[1]] : starts[0];
  if (start === undefined)
    return (
      1 +
      Math.max(
        0,
        squeezed.findIndex((line) => startsTable(line, section)),
      )
    );
  const end = squeezed.findIndex((line, at) => at > start && line.startsWith("["));
  const member = rest[0];
  const within = squeezed.slice(start, end < 0 ? undefined : end);
  const at = member === undefined ? -1 : within.findIndex((line) => line.startsWith(`${member}=`));
  return start + 1 + Math.max(0, at);
}

function startsTable(line: string, section: string): boolean {
  return line.startsWith(`${section}=`) || line.startsWith(`[${section}]`) || line.startsWith(`[${section}.`);
}
