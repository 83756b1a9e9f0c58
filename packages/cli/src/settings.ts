import { existsSync, readFileSync } from "node:fs";
import type { z } from "zod";
import { CliFailure, reasonOf } from "./failure.ts";
import { nearest } from "./nearest.ts";
import { explainSetting, type SettingRow, type Settings, settingRows, settingsSchema } from "./settings-schema.ts";
import {
  mergeTrees,
  type SettingTree,
  settingsFromEnvironment,
  unknownVariables,
  valueAt,
  variableOf,
} from "./settings-sources.ts";
import { lineOfSetting, parseToml } from "./toml.ts";

/** The file that is read when none is named and it is there. */
export const DEFAULT_CONFIG_PATH = "countersign.toml";

/** Settings with what is worth saying about where they came from. */
export interface LoadedSettings {
  readonly settings: Settings;
  /** The file that was read. */
  readonly path?: string;
  readonly warnings: readonly string[];
}

/** Where settings may come from. A later one wins: file, environment, flags. */
export interface SettingsSources {
  /** The file named by a flag. */
  readonly path?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags?: SettingTree;
}

interface Sources {
  readonly file: { readonly path: string; readonly text: string; readonly tree: SettingTree } | undefined;
  readonly environment: SettingTree;
  readonly rows: readonly SettingRow[];
}

/**
 * Reads and checks the settings of an authority.
 *
 * @throws {CliFailure} naming, for each wrong member, the line or variable it comes from and what would be right.
 */
export function loadSettings({ path, env, flags = {} }: SettingsSources): LoadedSettings {
  const rows = settingRows();
  const sources = {
    file: readFile(path ?? env.COUNTERSIGN_CONFIG),
    environment: settingsFromEnvironment(rows, env),
    rows,
  };
  const result = settingsSchema.safeParse(mergeTrees(sources.file?.tree ?? {}, sources.environment, flags));
  if (!result.success) throw failureOf(result.error.issues.flatMap(splitIssue), sources);
  const warnings = unknownVariables(rows, env).map((name) => {
    const near = nearest(
      name,
      rows.map((row) => variableOf(row.path)),
    );
    return `the variable ${name} is not known${near === undefined ? "" : `; did you mean ${near}?`}`;
  });
  return { settings: result.data, warnings, ...(sources.file === undefined ? {} : { path: sources.file.path }) };
}

function readFile(named: string | undefined): Sources["file"] {
  const path = named ?? (existsSync(DEFAULT_CONFIG_PATH) ? DEFAULT_CONFIG_PATH : undefined);
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const missing = !existsSync(path);
    throw new CliFailure(`cannot read the configuration file: ${path}`, {
      hints: [missing ? `there is none; countersign init ${path} writes one` : reasonOf(error)],
    });
  }
  return { path, text, tree: parseToml(text, path) };
}

interface Issue {
  readonly path: readonly string[];
  readonly message: string;
  readonly unknown: boolean;
}

/** One issue a member, so that each can be found. */
function splitIssue(issue: z.core.$ZodIssue): readonly Issue[] {
  const path = issue.path.map(String);
  if (issue.code !== "unrecognized_keys") return [{ path, message: lowerFirst(issue.message), unknown: false }];
  return issue.keys.map((key) => ({ path: [...path, key], message: "is not a setting", unknown: true }));
}

function failureOf(issues: readonly Issue[], sources: Sources): CliFailure {
  const described = issues.map((issue) => ({ at: placeOf(issue, sources), fix: fixOf(issue, sources.rows) }));
  const [only, ...more] = described;
  if (only !== undefined && more.length === 0) return new CliFailure(only.at, { hints: [only.fix] });
  const hints = described.flatMap(({ at, fix }) => [at, `  ${fix}`]);
  return new CliFailure(`the configuration is wrong in ${issues.length} places`, { hints });
}

function placeOf({ path, message, unknown }: Issue, { file, environment }: Sources): string {
  const name = path.join(".");
  if (valueAt(environment, path.slice(0, 2)) !== undefined) return `${variableOf(path.slice(0, 2))}: ${message}`;
  const value = valueAt(file?.tree, path);
  if (file === undefined || value === undefined) return `${name}: ${message}`;
  const shown = unknown ? "" : `: ${JSON.stringify(value)}`;
  const member = path.filter((word) => !/^\d+$/.test(word));
  return `${file.path}:${lineOfSetting(file.text, member)}: ${name} ${message}${shown}`;
}

function fixOf({ path, unknown }: Issue, rows: readonly SettingRow[]): string {
  const names = rows.map((row) => row.path.join("."));
  const row = rows.find((candidate) => candidate.path.every((word, at) => path[at] === word));
  if (row !== undefined) return `${row.path.join(".")}: ${explainSetting(row)}`;
  const near = unknown ? nearest(path.join("."), names) : undefined;
  return near === undefined ? "countersign init writes a file with every setting" : `did you mean ${near}?`;
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
