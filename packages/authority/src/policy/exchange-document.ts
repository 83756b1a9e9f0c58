import { algorithms, type JwsAlgorithm } from "@countersign/protocol";
import { z } from "zod";
import { AUDIENCE_RULE, audienceSchema, isAudience } from "../values/audience.ts";
import { scopesSchema } from "../values/scope.ts";
import { CLAIM_PATH_RULE, parseClaimPath } from "./claim-path.ts";
import { compileTemplate, literalsOf, TEMPLATE_RULE } from "./claim-template.ts";
import { type IssuerProfile, type IssuerProfileName, issuerProfileNames, issuerProfiles } from "./issuer-profiles.ts";
import { isName, NAME_RULE } from "./names.ts";
import { compilePattern, MAX_PATTERN_LENGTH, PATTERN_RULE } from "./pattern.ts";

const algorithmNames = Object.keys(algorithms) as [JwsAlgorithm, ...JwsAlgorithm[]];

const MAX_LISTED = 1000;
const listOf = <Member extends z.ZodType>(member: Member) => z.array(member).min(1).max(MAX_LISTED);

const patternSchema = z
  .string()
  .min(1)
  .max(MAX_PATTERN_LENGTH)
  .refine((source) => compilePattern(source) !== undefined, PATTERN_RULE);
const audience = audienceSchema.refine(isAudience, `must be ${AUDIENCE_RULE}`);
const names = listOf(z.string().refine(isName, NAME_RULE));

/** The name by which rules mean the tokens of the authority itself. */
export const OWN_ISSUER = "self";

const issuerId = z
  .string()
  .max(1024)
  .refine(
    isIssuerId,
    "must be an https URL without query and fragment, or spiffe:// and a trust domain; http on loopback only",
  );

function isIssuerId(text: string): boolean {
  if (/^spiffe:\/\/[a-z0-9._-]{1,255}$/.test(text)) return true;
  const url = /^https?:\/\/[\x21-\x7e]+$/.test(text) && !/[?#]/.test(text) ? URL.parse(text) : null;
  return url !== null && url.username === "" && url.password === "" && (url.protocol === "https:" || isLoopback(url));
}

function isLoopback({ hostname }: URL): boolean {
  return /^(?:localhost|127(?:\.[0-9]+){3}|\[::1\])$/.test(hostname);
}

const keysUrl = z
  .string()
  .max(1024)
  .refine((text) => {
    const url = URL.parse(text);
    return (
      url !== null &&
      url.username === "" &&
      (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url)))
    );
  }, "must be an https URL; http on loopback only");

const jwk = z.looseObject({ kty: z.string() });

const issuerSchema = z
  .strictObject({
    issuer: issuerId.optional().describe("The issuer identifier, byte for byte; that of the profile when absent"),
    profile: z.enum(issuerProfileNames).default("id-token").describe("What kind of tokens it gives out"),
    audiences: listOf(audience).optional().describe("Who we are to it; our issuer identifier when absent"),
    authorized_parties: names.optional().describe("Whom azp of its id tokens may name; the audiences when absent"),
    jwks: z
      .strictObject({ keys: z.array(jwk).min(1).max(100) })
      .optional()
      .describe("Its keys"),
    jwks_url: keysUrl.optional().describe("Where its keys are; found by discovery when neither is given"),
    discovery_url: keysUrl
      .optional()
      .describe("Where its metadata are, when not where OpenID Connect Discovery puts them"),
    ca: z.string().max(65_536).optional().describe("PEM of the authorities that its server's certificate leads to"),
    algorithms: listOf(z.enum(algorithmNames)).optional().describe("Narrows the algorithms of its keys"),
    key_headers: z
      .enum(["refuse", "ignore"])
      .default("refuse")
      .describe("What becomes of tokens with jku, x5u, jwk or x5c in the header; none is ever followed"),
    max_lifetime: z
      .number()
      .int()
      .min(1)
      .max(366 * 86_400)
      .optional()
      .describe("In seconds"),
    clock_skew: z.number().int().min(0).max(60).default(30).describe("Tolerance for its clock, in seconds"),
    single_use: z.boolean().optional().describe("Whether each of its tokens is good for one exchange"),
  })
  .superRefine((row, context) => {
    for (const message of issuerFaults(row)) context.addIssue({ code: "custom", message });
  })
  .transform((row) => ({ ...row, issuer: issuerOf(row) }));

interface IssuerInput {
  readonly issuer?: string | undefined;
  readonly profile: IssuerProfileName;
  readonly jwks?: unknown;
  readonly jwks_url?: string | undefined;
  readonly discovery_url?: string | undefined;
}

function issuerOf({ issuer, profile }: Pick<IssuerInput, "issuer" | "profile">): string {
  const preset: IssuerProfile = issuerProfiles[profile];
  return issuer ?? preset.issuer ?? "";
}

function issuerFaults(row: IssuerInput): readonly string[] {
  const isSpiffe = issuerOf(row).startsWith("spiffe:");
  const places = [row.jwks, row.jwks_url, row.discovery_url].filter((place) => place !== undefined).length;
  return [
    issuerOf(row) === "" && `needs an issuer: there is more than one for ${row.profile}`,
    places > 1 && "has more than one of jwks, jwks_url and discovery_url: keep one",
    isSpiffe !== (row.profile === "spiffe") &&
      "has a trust domain of SPIFFE without the profile spiffe, or the reverse",
    isSpiffe && places === 0 && "needs jwks, jwks_url or discovery_url: a trust domain has no address",
  ].filter((fault) => fault !== false);
}

const scalar = z.union([z.string().min(1).max(1024), z.number(), z.boolean()]);

const claimSchema = z.union([scalar, listOf(scalar), z.strictObject({ pattern: patternSchema })], {
  error: 'must be a value, a list of values, or { pattern = "…" }',
});

const template = z.string().refine((text) => compileTemplate(text) !== undefined, TEMPLATE_RULE);

const givesSchema = z.strictObject({
  audiences: listOf(audience).max(50).describe("Whom the token may be for; the first without being asked"),
  every_audience: z.boolean().default(false).describe("Whether it is for all of them without being asked"),
  scopes: scopesSchema.default([]).describe("What it permits at most, and without being asked"),
  lifetime: z.number().int().min(1).max(86_400).optional().describe("The longest that it lives, in seconds"),
  subject: template
    .refine(
      (text) => /[^A-Za-z0-9._-]/.test(literalsOf(text)),
      "needs a character that no id of ours has, such as a colon",
    )
    .optional()
    .describe("Whom it is about; issuer, # and sub when absent"),
  user: template.optional().describe("The username of the user whom it is about, in place of subject"),
});

const ruleSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 . _ -")
      .optional(),
    issuer: z.union([z.literal(OWN_ISSUER), issuerId]).describe("Whose tokens; self for those of this authority"),
    audiences: listOf(audience).optional().describe("Only tokens for one of these"),
    audience_pattern: patternSchema.optional(),
    clients: names.optional().describe("Only through one of these"),
    client_pattern: patternSchema.optional(),
    claims: z
      .record(
        z.string().refine((text) => parseClaimPath(text) !== undefined, CLAIM_PATH_RULE),
        claimSchema,
      )
      .default({})
      .describe("What each claim must be; of a list one member"),
    gives: givesSchema,
  })
  .superRefine((rule, context) => {
    for (const message of ruleFaults(rule)) context.addIssue({ code: "custom", message });
  });

interface RuleInput {
  readonly issuer: string;
  readonly audiences?: unknown;
  readonly audience_pattern?: unknown;
  readonly clients?: unknown;
  readonly client_pattern?: unknown;
  readonly gives: { readonly subject?: string | undefined; readonly user?: string | undefined };
}

function ruleFaults({ gives, ...rule }: RuleInput): readonly string[] {
  const both = (["audience", "client"] as const).filter(
    (of) => rule[`${of}s`] !== undefined && rule[`${of}_pattern`] !== undefined,
  );
  const names = [gives.subject, gives.user].filter((name) => name !== undefined).length;
  return [
    ...both.map((of) => `has ${of}s and ${of}_pattern: keep one, or make two rules`),
    names > 1 && "gives a subject and a user: keep one",
    rule.issuer === OWN_ISSUER && names > 0 && "gives a subject: a token of this authority keeps the one it has",
    rule.issuer === OWN_ISSUER &&
      rule.clients === undefined &&
      rule.client_pattern === undefined &&
      "lets every client pass on tokens of this authority: add clients",
  ].filter((fault) => fault !== false);
}

/** The section `exchange` of a policy document: whose tokens are taken, and what for. */
export const exchangeSchema = z
  .strictObject({
    issuers: z.array(issuerSchema).max(1000).default([]),
    rules: z.array(ruleSchema).max(10_000).default([]),
  })
  .superRefine(({ issuers, rules }, context) => {
    const seen = new Set<string>([OWN_ISSUER]);
    for (const [at, { issuer }] of issuers.entries()) {
      if (seen.has(issuer))
        context.addIssue({ code: "custom", path: ["issuers", at], message: `is there twice: ${issuer}` });
      seen.add(issuer);
    }
    const ids = new Set<string>();
    for (const [at, { id, issuer }] of rules.entries()) {
      const message = !seen.has(issuer)
        ? `is about ${issuer}, which is no issuer here: add it to exchange.issuers`
        : id !== undefined && ids.has(id)
          ? `has the id of another rule, ${id}: give it another`
          : undefined;
      if (message !== undefined) context.addIssue({ code: "custom", path: ["rules", at], message });
      if (id !== undefined) ids.add(id);
    }
  });

/** The section as it was checked. */
export type ExchangeDocument = z.output<typeof exchangeSchema>;
/** One trusted issuer of it. */
export type IssuerEntry = ExchangeDocument["issuers"][number];
