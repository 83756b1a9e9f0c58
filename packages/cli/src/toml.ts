import { parse, TomlError } from "smol-toml";
import { CliFailure } from "./failure.ts";
import type { SettingTree } from "./settings-sources.ts";

/**
 * Reads TOML.
 *
 * @throws {CliFailure} naming file, line and column of what is no TOML.
 */
export function parseToml(text: string, path: string): SettingTree {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new CliFailure(`${path}:${error.line}:${error.column}: ${what}`, {
      hints: [`the line is: ${(text.split("\n")[error.line - 1] ?? "").trim()}`],
    });
  }
}

/** The line of a TOML text on which a member is set, or its section begins; 1 when it is nowhere to be found. */
export function lineOfSetting(text: string, path: readonly string[]): number {
  let section: readonly string[] = [];
  let near = 1;
  for (const [at, line] of text.split("\n").entries()) {
    const header = /^\s*\[\s*([^[\]]+?)\s*\]/.exec(line)?.[1];
    if (header !== undefined) section = wordsOf(header);
    const key = header === undefined ? /^\s*((?:[\w"'-]+)(?:\s*\.\s*[\w"'-]+)*)\s*=/.exec(line)?.[1] : undefined;
    const here = key === undefined ? section : [...section, ...wordsOf(key)];
    if (header === undefined && key === undefined) continue;
    if (here.length >= path.length && path.every((word, index) => here[index] === word)) return at + 1;
    if (header !== undefined && path[0] === section[0]) near = at + 1;
  }
  return near;
}

function wordsOf(dotted: string): readonly string[] {
  return dotted.split(".").map((word) => word.trim().replace(/^["']|["']$/g, ""));
}
