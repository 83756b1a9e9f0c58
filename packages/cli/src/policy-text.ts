import type { PolicyDocument } from "@countersign/authority";
import { stringify } from "smol-toml";

/** Members that say what is so without them. */
const defaults: Readonly<Record<string, unknown>> = {
  effect: "allow",
  delegation: false,
  external: false,
  scopes_need_rule: false,
};

/** A policy document as TOML, without what is so by default. Read again, it is the same document. */
export function policyToml({ format, version, ...sections }: PolicyDocument): string {
  const used = Object.entries(sections)
    .map(([name, section]) => [name, withoutDefaults({ [name]: section })[name]] as const)
    .filter(([, section]) => section !== undefined && !isEmpty(section));
  return `${stringify({ format, version, ...Object.fromEntries(used) }).trimEnd()}\n`;
}

type Members = Readonly<Record<string, unknown>>;

function withoutDefaults(members: Members): Members {
  const kept = Object.entries(members).filter(
    ([name, value]) => value !== undefined && value !== defaults[name] && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, pruned(value)]));
}

function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pruned);
  return typeof value === "object" && value !== null ? withoutDefaults({ ...value }) : value;
}

function isEmpty(section: unknown): boolean {
  return typeof section === "object" && section !== null && Object.keys(section).length === 0;
}
