import { createHash } from "node:crypto";
import type { z } from "zod";
import { documentSchema, type PolicyDocument } from "./document.ts";
import { clientsSchema, documentOfTables, resourcesSchema } from "./tables.ts";
import { keysDiffer, policyOfTokenBroker, tokenBrokerSchema } from "./token-broker-rules.ts";

/** One thing that is wrong with a document. */
export interface PolicyFault {
  /** Names of members and places in lists. */
  readonly path: readonly (string | number)[];
  /** What is wrong and how to mend it. */
  readonly message: string;
}

/** A document cannot be used: it names every fault. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  /** All that is wrong, in the order of the document. */
  readonly faults: readonly PolicyFault[];

  constructor(faults: readonly PolicyFault[]) {
    const [first] = faults;
    const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
    super(first === undefined ? "The policy cannot be read" : `${placeOf(first.path)} ${first.message}${more}`);
    this.faults = faults;
  }
}

/** A path as text: `rules[2].lifetime`. */
export function placeOf(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/**
 * Reads a policy: a document of our own, or the tables clients.toml and resources.toml, one or both, given as what their TOML
 * holds.
 *
 * @throws {PolicyError} with the path of every fault.
 * @example
 * const document = readPolicy(parse(readFileSync("policy.toml", "utf8")));
 */
export function readPolicy(...trees: readonly object[]): PolicyDocument {
  const [only] = trees;
  if (trees.length === 1 && only !== undefined && "configs" in only) return readTokenBroker(only);
  if (trees.length === 1 && only !== undefined && !isTable(only)) return parse(documentSchema, only);
  if (trees.length === 0 || !trees.every(isTable)) {
    throw new PolicyError([{ path: [], message: "a policy is one document, or clients.toml and resources.toml" }]);
  }
  const clients = trees.filter((tree) => "clients" in tree);
  const resources = trees.filter((tree) => !("clients" in tree));
  if (clients.length > 1 || resources.length > 1) {
    throw new PolicyError([
      { path: [], message: "two files are of one kind: give one clients.toml, one resources.toml" },
    ]);
  }
  return parse(
    documentSchema,
    documentOfTables({
      ...(clients[0] === undefined ? {} : { clients: parse(clientsSchema, clients[0]) }),
      ...(resources[0] === undefined ? {} : { resources: parse(resourcesSchema, resources[0]) }),
    }),
  );
}

/** The rules of confidential-token-broker, given as what their JSON holds. */
function readTokenBroker(tree: object): PolicyDocument {
  const rules = parse(tokenBrokerSchema, tree);
  const twice = keysDiffer(rules);
  if (twice === undefined) return parse(documentSchema, policyOfTokenBroker(rules));
  throw new PolicyError([{ path: ["configs"], message: `name two jwk_endpoint of ${twice}: keep one` }]);
}

/** Whether it is clients.toml or resources.toml, whose versions are texts. */
function isTable(tree: object): boolean {
  return !("format" in tree) && "version" in tree && typeof tree.version === "string";
}

function parse<Schema extends z.ZodType>(schema: Schema, tree: unknown): z.output<Schema> {
  const result = schema.safeParse(tree);
  if (result.success) return result.data;
  throw new PolicyError(result.error.issues.flatMap(faultsOf));
}

function faultsOf(issue: z.core.$ZodIssue): readonly PolicyFault[] {
  const path = issue.path.filter((step) => typeof step !== "symbol");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: "is no member here: remove it or mend its name",
    }));
  }
  if (issue.code === "invalid_key") return [{ path, message: issue.issues[0]?.message ?? issue.message }];
  return [{ path, message: issue.message }];
}

/**
 * The SHA-256 of what a document says, as `sha256:` and hexadecimal digits. Comments, the order of members and defaults that
 * are written out leave it as it is.
 */
export function policyHash(document: PolicyDocument): string {
  return `sha256:${createHash("sha256").update(canonical(document)).digest("hex")}`;
}

/** JSON with the members of each object in order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
