import { configSchema, logLevels } from "@countersign/authority";
import { defined } from "@countersign/protocol";
import { z } from "zod";

/** The configuration of a served authority, as `countersign.toml` spells it: the authority's own, and how it is served. */
export const settingsSchema = z.strictObject({
  listen: z.string().default("localhost:8080").describe("HOST:PORT; localhost is 127.0.0.1 and ::1"),
  data: z.string().min(1).default("./data").describe("Directory of the store and the key-encryption key"),
  store: z
    .strictObject({
      url: z
        .string()
        .regex(/^[a-z]+:./, "must be sqlite:DIR, postgres://… or dynamodb:TABLE")
        .optional()
        .describe("Where the store is: sqlite:DIR, postgres://… or dynamodb:TABLE?region=…; a file in data by default"),
    })
    .prefault({}),
  key_file: z.string().optional().describe("An existing private key (JWK or PEM) to sign with"),
  insecure_http: z.boolean().default(false).describe("Plain HTTP beyond loopback: passwords can be read on the way"),
  log_level: z.enum(logLevels).default("info").describe("How much the log says"),
  drain_seconds: z
    .number()
    .int()
    .min(0)
    .max(20)
    .default(0)
    .describe("On SIGTERM, how long to answer as not ready before the listener closes"),
  ...configSchema.shape,
  policy: z
    .strictObject({
      file: z
        .string()
        .optional()
        .describe("Policy document, or folder with clients.toml and resources.toml; in place of the store's policy"),
      key_file: z
        .string()
        .optional()
        .describe("Key of a policy that was sealed with countersign rules seal; then no other one is run"),
    })
    .prefault({}),
  tls: z
    .strictObject({
      cert: z.string().optional().describe("Certificate file, PEM; serves HTTPS"),
      key: z.string().optional().describe("Private key file of the certificate, PEM"),
      ca: z.string().optional().describe("Authority of that certificate, PEM: what clients of /ca_cert get"),
      client_ca: z.string().optional().describe("Authorities whose client certificates are trusted, PEM"),
      client_crl: z.string().optional().describe("Revocation lists of those authorities, PEM"),
    })
    .prefault({}),
});

/** Settings as checked, every default filled in. */
export type Settings = z.output<typeof settingsSchema>;

/** One member of the configuration: where it stands, what it may be, and what it is when absent. */
export interface SettingRow {
  /** One word, or a section and a word. */
  readonly path: readonly string[];
  readonly type: "string" | "integer" | "boolean" | "array";
  readonly description: string;
  readonly fallback: unknown;
  readonly least?: number;
  readonly most?: number;
  readonly choices?: readonly unknown[];
}

interface Described {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly unknown[];
  readonly items?: Described;
  readonly properties?: Readonly<Record<string, Described>>;
}

/** Every member, in the order of the schema, read from the schema itself. */
export function settingRows(): readonly SettingRow[] {
  const schema: Described = z.toJSONSchema(settingsSchema, { io: "input" }) as Described;
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) =>
    member.properties === undefined
      ? [rowOf([name], member)]
      : Object.entries(member.properties).map(([inner, described]) => rowOf([name, inner], described)),
  );
}

function rowOf(path: readonly string[], described: Described): SettingRow {
  const choices = described.enum ?? described.items?.enum;
  return {
    path,
    type: typeOf(described),
    description: described.description ?? "",
    fallback: described.default,
    ...defined({ least: described.minimum, most: described.maximum, choices }),
  };
}

function typeOf({ type }: Described): SettingRow["type"] {
  return type === "integer" || type === "boolean" || type === "array" ? type : "string";
}

/** What a member may be and is by default, in words. */
export function explainSetting({ description, least, most, choices, fallback }: SettingRow): string {
  const range = least === undefined ? "" : `; ${least} to ${most}`;
  const oneOf = choices === undefined ? "" : `; of ${choices.join(", ")}`;
  const byDefault = fallback === undefined ? "" : `; ${JSON.stringify(fallback)} by default`;
  return `${description}${range}${oneOf}${byDefault}`;
}
