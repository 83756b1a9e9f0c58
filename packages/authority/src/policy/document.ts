import { PublicKey } from "@countersign/biscuit";
import { z } from "zod";
import { scopeSchema } from "../values/scope.ts";
import { exchangeSchema } from "./exchange-document.ts";
import { tokenKinds } from "./kinds.ts";
import { IDENTITY_RULE, isIdentity, isName, NAME_RULE } from "./names.ts";
import { compilePattern, MAX_PATTERN_LENGTH, PATTERN_RULE } from "./pattern.ts";

/** The form of documents that this version reads. */
export const DOCUMENT_FORMAT = "countersign-policy/1";

const MAX_LIFE = 366 * 86_400;
const MAX_LISTED = 10_000;

export const nameSchema = z.string().refine(isName, NAME_RULE);
export const identitySchema = z.string().refine(isIdentity, IDENTITY_RULE);

const patternSchema = z
  .string()
  .min(1)
  .max(MAX_PATTERN_LENGTH)
  .refine((source) => compilePattern(source) !== undefined, PATTERN_RULE);

const lifetime = z.number().int().min(1).max(MAX_LIFE);
const listOf = <Member extends z.ZodType>(member: Member) => z.array(member).min(1).max(MAX_LISTED);
const names = listOf(nameSchema);

const keySchema = z
  .string()
  .refine(
    isPublicKey,
    "must be the public key of a point on its curve: ed25519/ and 64 hexadecimal digits, or secp256r1/ and 66",
  );

function isPublicKey(text: string): boolean {
  try {
    return PublicKey.parse(text).toString() === text;
  } catch {
    return false;
  }
}

const serviceSchema = z
  .string()
  .max(512)
  .regex(
    /^(?:https:\/\/)?(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\/[\x21-\x7e]*)?$/,
    "must be the address of an https service: host, host:port or https://host",
  );

const componentSchema = z.strictObject({
  public_key: keySchema.describe("The key it attests or signs off with"),
  authorization_service: serviceSchema.optional().describe("Where its signoff is asked for"),
});

/** A component by its name in `components`, or with a key of its own here. */
const memberSchema = z.union([nameSchema, z.strictObject({ component: nameSchema, ...componentSchema.shape })], {
  error: "must be the name of a component, or { component, public_key }",
});

const signoffSchema = z.strictObject({
  component: nameSchema,
  public_key: keySchema.optional(),
  authorization_service: serviceSchema.optional(),
  operations: names.optional().describe("Which operations need it; all when absent"),
});

const delegationSchema = z.union([z.boolean(), z.strictObject({ depth: z.number().int().min(1).max(16) })], {
  error: "must be true, false, or { depth = 1 } to 16",
});

const subjectSchema = z
  .strictObject({
    id: identitySchema.optional(),
    pattern: patternSchema.optional(),
    roles: z.array(nameSchema).max(MAX_LISTED).default([]),
    delegation: delegationSchema.default(false).describe("Whether it may become its own sub-identities"),
  })
  .refine(oneOf("id", "pattern"), "must have an id or a pattern, not both");

const realmSchema = z.strictObject({
  id: identitySchema,
  roles: z.array(nameSchema).max(MAX_LISTED).default([]).describe("Of its sub-identities that are no subjects"),
});

const roleSchema = z.strictObject({
  includes: z.array(nameSchema).max(MAX_LISTED).default([]),
  external: z.boolean().default(false).describe("Given by the record of a user or client, not by this document"),
});

const resourceSchema = z.strictObject({
  operations: names.optional().describe("All that there are; any when absent"),
  lifetime: lifetime.optional(),
  chain: listOf(memberSchema).optional().describe("The services that pass a request on, in their order"),
  signoffs: listOf(z.union([nameSchema, signoffSchema]))
    .optional()
    .describe("Who has to sign off, in this order"),
});

const ruleSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 . _ -")
      .optional(),
    effect: z.enum(["allow", "deny"]).default("allow"),
    subjects: listOf(identitySchema).optional(),
    subject_pattern: patternSchema.optional(),
    roles: names.optional(),
    realms: listOf(identitySchema).optional().describe("All that is beneath one of these"),
    clients: names.optional().describe("Only through one of these"),
    client_pattern: patternSchema.optional(),
    kinds: listOf(z.enum(tokenKinds)).optional().describe("All that what it names fits to, when absent"),
    resources: names.optional(),
    resource_pattern: patternSchema.optional(),
    operations: names.optional(),
    operation_pattern: patternSchema.optional(),
    scopes: listOf(scopeSchema).optional(),
    scope_pattern: patternSchema.optional(),
    audiences: names.optional().describe("Only in tokens for these audiences"),
    audience_pattern: patternSchema.optional(),
    lifetime: lifetime.optional(),
  })
  .superRefine((rule, context) => {
    for (const message of faultsOf(rule)) context.addIssue({ code: "custom", message });
  });

/** The faults of a rule that no single member has. */
function faultsOf(rule: RuleInput): readonly string[] {
  const both = (["subject", "client", "resource", "operation", "scope", "audience"] as const).filter(
    (of) => rule[`${of}s`] !== undefined && rule[`${of}_pattern`] !== undefined,
  );
  const has = (of: "resource" | "operation" | "scope" | "audience") =>
    rule[`${of}s`] !== undefined || rule[`${of}_pattern`] !== undefined;
  const who = [rule.subjects, rule.subject_pattern, rule.roles, rule.realms];
  const kinds = rule.kinds ?? [];
  const onlyIdentity = kinds.length === 1 && kinds[0] === "identity";
  const faults: (string | false)[] = [
    ...both.map((of) => `has ${of}s and ${of}_pattern: keep one, or make two rules`),
    who.every((member) => member === undefined) &&
      'names nobody: add subjects, subject_pattern, roles or realms; subject_pattern = ".+" is everybody',
    has("resource") !== has("operation") && "has resources or operations alone: name both",
    has("audience") && !has("scope") && "has audiences, which only an access_token has: name its scopes, too",
    has("resource") && has("scope") && "has resources and scopes: make two rules",
    !has("resource") && !has("scope") && !onlyIdentity && "names nothing: add resources and operations, or scopes",
    (has("resource") || has("scope")) &&
      kinds.includes("identity") &&
      'has kinds = ["identity"] with resources or scopes',
    has("scope") && kinds.some((kind) => kind !== "access_token") && "has scopes, which only an access_token has",
    has("resource") && kinds.includes("access_token") && "has resources, but an access_token has scopes",
    rule.effect === "allow" &&
      kinds.includes("identity") &&
      "allows identity tokens, which subjects and realms do: add its subjects there",
    rule.effect === "deny" && rule.lifetime !== undefined && "refuses, so its lifetime means nothing: remove it",
  ];
  return faults.filter((fault) => fault !== false);
}

interface RuleInput {
  readonly effect: "allow" | "deny";
  readonly kinds?: readonly string[] | undefined;
  readonly lifetime?: number | undefined;
  readonly subjects?: readonly string[] | undefined;
  readonly subject_pattern?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly realms?: readonly string[] | undefined;
  readonly clients?: readonly string[] | undefined;
  readonly client_pattern?: string | undefined;
  readonly resources?: readonly string[] | undefined;
  readonly resource_pattern?: string | undefined;
  readonly operations?: readonly string[] | undefined;
  readonly operation_pattern?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly scope_pattern?: string | undefined;
  readonly audiences?: readonly string[] | undefined;
  readonly audience_pattern?: string | undefined;
}

/** One policy document, as TOML spells it. Unknown members are refused, so that a misspelt one is noticed. */
export const documentSchema = z
  .strictObject({
    format: z.literal(DOCUMENT_FORMAT, { error: `must be "${DOCUMENT_FORMAT}"` }),
    version: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).describe("Counts up with every change"),
    scopes_need_rule: z
      .boolean()
      .default(false)
      .describe(
        "Whether a scope needs a rule that allows it; otherwise client and user bound scopes, and rules refuse them",
      ),
    lifetimes: z.partialRecord(z.enum(tokenKinds), lifetime).default({}),
    roles: z.record(nameSchema, roleSchema).default({}),
    subjects: z.array(subjectSchema).default([]),
    realms: z.array(realmSchema).default([]),
    components: z.record(nameSchema, componentSchema).default({}),
    resources: z.record(nameSchema, resourceSchema).default({}),
    rules: z.array(ruleSchema).default([]),
    exchange: exchangeSchema.optional().describe("Whose tokens are taken for tokens of the authority, and for which"),
  })
  .superRefine((document, context) => {
    for (const { path, message } of [...scopeFaults(document), ...referenceFaults(document)])
      context.addIssue({ code: "custom", path, message });
  });

interface Fault {
  readonly path: (string | number)[];
  readonly message: string;
}

interface ScopeRules {
  readonly scopes_need_rule: boolean;
  readonly rules: readonly RuleInput[];
}

/**
 * A rule that allows scopes means nothing where they need none. That they need one is said by itself: if it followed from the
 * rules, taking the last of them away would allow more.
 */
function scopeFaults({ scopes_need_rule, rules }: ScopeRules): readonly Fault[] {
  if (scopes_need_rule) return [];
  const message = "allows scopes, which need no rule here: set scopes_need_rule = true at the top of the document";
  return rules.flatMap(({ effect, scopes, scope_pattern }, at) =>
    effect === "allow" && (scopes !== undefined || scope_pattern !== undefined)
      ? [{ path: ["rules", at], message }]
      : [],
  );
}

interface References {
  readonly roles: Readonly<Record<string, { readonly includes: readonly string[] }>>;
  readonly subjects: readonly { readonly id?: string | undefined; readonly roles: readonly string[] }[];
  readonly realms: readonly { readonly id: string; readonly roles: readonly string[] }[];
  readonly rules: readonly { readonly id?: string | undefined; readonly roles?: readonly string[] | undefined }[];
}

/** Names that are used and not declared, or declared twice. */
function referenceFaults(document: References): readonly Fault[] {
  const using: readonly (readonly [string, string | number, readonly string[]])[] = [
    ...Object.entries(document.roles).map(([name, { includes }]) => ["roles", name, includes] as const),
    ...(["subjects", "realms", "rules"] as const).flatMap((section) =>
      document[section].map((row, at) => [section, at, row.roles ?? []] as const),
    ),
  ];
  const unknown = using.flatMap(([section, at, roles]) =>
    roles
      .filter((role) => !Object.hasOwn(document.roles, role))
      .map((role) => ({ path: [section, at], message: `names the role ${role}, which is none: add [roles.${role}]` })),
  );
  const twice = (["subjects", "realms", "rules"] as const).flatMap((section) => repeated(section, document[section]));
  return [...unknown, ...twice];
}

function repeated(section: string, rows: readonly { readonly id?: string | undefined }[]): readonly Fault[] {
  const seen = new Map<string, number>();
  return rows.flatMap(({ id }, at) => {
    if (id === undefined) return [];
    const before = seen.get(id);
    if (before === undefined) seen.set(id, at);
    const message = `has the id of ${section}[${before}], ${id}: give it another, or join them`;
    return before === undefined ? [] : [{ path: [section, at, "id"], message }];
  });
}

function oneOf<Name extends string>(...members: readonly Name[]) {
  return (row: Partial<Record<Name, unknown>>) => members.filter((name) => row[name] !== undefined).length === 1;
}

/** A policy document that was checked, with its defaults. */
export type PolicyDocument = z.output<typeof documentSchema>;

/** A policy document as it is written. */
export type PolicyInput = z.input<typeof documentSchema>;
