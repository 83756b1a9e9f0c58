import type { SettingRow } from "./settings-schema.ts";

/** A tree of settings as some source gave them, unchecked. */
export interface SettingTree {
  [name: string]: unknown;
}

/** The environment variable that sets a member. */
export function variableOf(path: readonly string[]): string {
  return `COUNTERSIGN_${path.join("_").toUpperCase()}`;
}

/** Variables that are no members of the configuration. */
const otherVariables: ReadonlySet<string> = new Set(
  [
    "CONFIG",
    "KEY",
    "NEW_KEY",
    "URL",
    "TOKEN",
    "USERNAME",
    "PASSWORD",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "KEY_PASSPHRASE",
    "SERVER",
    "CERT",
    "CERT_KEY",
    "CA",
    "PUBLIC_KEY",
    "BASE_URL",
    "SERVER_CA_FILE",
    "MTLS_CERT_FILE",
    "MTLS_KEY_FILE",
  ].map((name) => `COUNTERSIGN_${name}`),
);

/** What an orchestrator sets for a service that is called countersign. */
const ORCHESTRATOR = /^COUNTERSIGN_(?:SERVICE_|PORT(?:_|$))/;

/** The settings in the environment, typed as their rows say. A value that does not fit its type is left to the schema. */
export function settingsFromEnvironment(
  rows: readonly SettingRow[],
  env: Readonly<Record<string, string | undefined>>,
): SettingTree {
  const tree: SettingTree = {};
  for (const { path, type } of rows) {
    const text = env[variableOf(path)];
    if (text !== undefined && text !== "") put(tree, path, typedValue(text, type));
  }
  return tree;
}

/** Variables that look like settings and are none. */
export function unknownVariables(
  rows: readonly SettingRow[],
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const known = new Set(rows.map(({ path }) => variableOf(path)));
  return Object.keys(env).filter(
    (name) =>
      name.startsWith("COUNTERSIGN_") && !known.has(name) && !otherVariables.has(name) && !ORCHESTRATOR.test(name),
  );
}

/** Sets a member of a tree; a section that is not there is made. */
export function put(tree: SettingTree, path: readonly string[], value: unknown): void {
  const [name = "", ...rest] = path;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const section = isTree(tree[name]) ? tree[name] : {};
  tree[name] = section;
  put(section, rest, value);
}

/** The first tree under the later ones, section by section. Arrays are replaced, not joined. */
export function mergeTrees(...trees: readonly SettingTree[]): SettingTree {
  const merged: SettingTree = {};
  for (const tree of trees) {
    for (const [name, value] of Object.entries(tree)) {
      const before = merged[name];
      merged[name] = isTree(before) && isTree(value) ? mergeTrees(before, value) : value;
    }
  }
  return merged;
}

/** The value at a path, if any; the words of a path are names of members and places in lists. */
export function valueAt(tree: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return tree;
  if (Array.isArray(tree)) return valueAt(tree[Number(name)], rest);
  return isTree(tree) && Object.hasOwn(tree, name) ? valueAt(tree[name], rest) : undefined;
}

function isTree(value: unknown): value is SettingTree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function typedValue(text: string, type: SettingRow["type"]): unknown {
  if (type === "integer" && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  if (type === "array")
    return text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
  return text;
}
