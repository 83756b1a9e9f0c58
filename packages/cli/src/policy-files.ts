import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { compilePolicy, type Policy, PolicyError, type PolicyFault, placeOf, readPolicy } from "@countersign/authority";
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
  const trees = files.map(({ file, text }) => parseToml(text, file));
  const [first] = files;
  const placeIn = (place: readonly (string | number)[]) =>
    files.length === 1 && first !== undefined ? `${first.file}:${lineOf(first.text, place)}` : path;
  try {
    return { policy: compilePolicy(readPolicy(...trees)), placeIn };
  } catch (error) {
    if (error instanceof PolicyError) throw failureOf(error.faults, placeIn);
    throw error;
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
