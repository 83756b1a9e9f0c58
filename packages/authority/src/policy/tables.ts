import { z } from "zod";
import { DOCUMENT_FORMAT, identitySchema, nameSchema, type PolicyInput } from "./document.ts";
import { isName } from "./names.ts";

/** Operations of a resource that is named alone, as version 0.1.0 of clients.toml has them. */
const formerOperations = ["read", "write"];

const grantSchema = z.union(
  [nameSchema, z.strictObject({ name: nameSchema, operations: z.array(nameSchema).min(1) })],
  { error: "must be the name of a resource, or { name, operations }" },
);

const identifierSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("san_uri"),
    value: identitySchema.refine((uri) => uri.includes(":"), "must be a URI, with its scheme"),
  }),
  z.strictObject({
    type: z.literal("san_dns"),
    value: z.string().refine(isDnsPattern, "must be a host name; * stands for characters other than dots"),
  }),
]);

function isDnsPattern(text: string): boolean {
  return isName(text) && /^[a-z0-9*_-]+(?:\.[a-z0-9*_-]+)*$/.test(text);
}

/** clients.toml: who may do what. Its certificates are for the configuration of TLS, and are not read here. */
export const clientsSchema = z.strictObject({
  version: z.enum(["0.1.0", "0.2.0"], { error: 'must be "0.1.0" or "0.2.0"' }),
  cacerts: z.strictObject({ cert_chain: z.string() }).optional(),
  clients: z.array(z.strictObject({ identifier: identifierSchema, resources: z.array(grantSchema).default([]) })),
});

const nodeSchema = z.strictObject({ component: nameSchema, public_key: z.string() });

/** resources.toml: which resources are reached through a chain of services. */
export const resourcesSchema = z.strictObject({
  version: z.literal("0.1.0", { error: 'must be "0.1.0"' }),
  resources: z.record(
    nameSchema,
    z.strictObject({ type: z.literal("service_chain"), nodes: z.array(nodeSchema).min(1) }),
  ),
});

type Clients = z.output<typeof clientsSchema>;
type Resources = z.output<typeof resourcesSchema>;

/**
 * The document that says what the two tables say. Every client may hold a delegatable identity token, and its sub-identities
 * have the rights of their own entries only.
 */
export function documentOfTables({ clients, resources }: { clients?: Clients; resources?: Resources }): PolicyInput {
  const rows = clients?.clients ?? [];
  return {
    format: DOCUMENT_FORMAT,
    version: 1,
    subjects: rows.map(({ identifier }) => ({ ...subjectOf(identifier), delegation: true })),
    resources: Object.fromEntries(
      Object.entries(resources?.resources ?? {}).map(([name, { nodes }]) => [name, { chain: nodes }]),
    ),
    rules: rows.flatMap(({ identifier, resources: granted }, at) =>
      granted.map((grant, index) => ({
        id: `clients.${at}.resources.${index}`,
        ...ruleSubjectOf(identifier),
        resources: [typeof grant === "string" ? grant : grant.name],
        operations: typeof grant === "string" ? formerOperations : grant.operations,
      })),
    ),
  };
}

type Identifier = z.output<typeof identifierSchema>;

function subjectOf({ type, value }: Identifier): { id: string } | { pattern: string } {
  return type === "san_dns" && value.includes("*") ? { pattern: hostPattern(value) } : { id: value };
}

function ruleSubjectOf(identifier: Identifier): { subjects: string[] } | { subject_pattern: string } {
  const subject = subjectOf(identifier);
  return "id" in subject ? { subjects: [subject.id] } : { subject_pattern: subject.pattern };
}

/** A star stays within its label (RFC 6125 section 6.4.3). */
function hostPattern(host: string): string {
  return host.replaceAll(".", "\\.").replaceAll("*", "[a-z0-9_-]+");
}
