import { publicKeyOf } from "@countersign/protocol/capability";
import { z } from "zod";
import { eventTable } from "./audit/events.ts";
import { isName, NAME_RULE } from "./policy/names.ts";
import { signingAlgorithms } from "./store/records.ts";
import { canonicalBlock } from "./values/address.ts";
import { AUDIENCE_RULE, audienceSchema, isAudience, MAX_AUDIENCES } from "./values/audience.ts";
import { isHostPattern } from "./values/host-pattern.ts";
import { idSchema, isId } from "./values/id.ts";
import { lifetimeSchema } from "./values/lifetime.ts";
import { scopesSchema } from "./values/scope.ts";

const seconds = (fallback: number, least: number, most: number, what: string) =>
  z.number().int().min(least).max(most).default(fallback).describe(`${what}, in seconds`);

const algorithm = z.enum(signingAlgorithms);

const DAY = 86_400;

const RETENTION_FORM = `must be an event or its first part and seconds: user=63072000, ${DAY} to ${3660 * DAY}, or token.issued=0, capability.issued=0`;

/**
 * The whole configuration, as `countersign.toml` spells it. Every member has a safe default; unknown members are
 * refused, so that a misspelt one is noticed.
 */
export const configSchema = z.strictObject({
  issuer: z
    .string()
    .refine(isIssuer, "must be an http or https URL without user, query and fragment (RFC 8414 section 2)")
    .optional()
    .describe("The issuer identifier in every token, byte for byte; the listening address when absent"),
  tokens: z
    .strictObject({
      access_ttl: lifetimeSchema("accessToken").default(900).describe("Life of an access token, in seconds"),
      refresh_idle_ttl: lifetimeSchema("refreshIdle")
        .default(14 * DAY)
        .describe("A refresh token dies when unused for so long, in seconds"),
      refresh_absolute_ttl: lifetimeSchema("refreshAbsolute")
        .default(90 * DAY)
        .describe("A login ends after so long, however often it is refreshed, in seconds"),
      replay_window: seconds(10, 0, 120, "A refresh repeated within it gets the same successor"),
      algorithm: algorithm.default("ES256").describe("Signature algorithm of clients that name none"),
      audience: z
        .array(audienceSchema.refine(isAudience, `must be ${AUDIENCE_RULE}`))
        .max(MAX_AUDIENCES)
        .default([])
        .describe("Audiences of clients that name none; the issuer when empty"),
      assertion_lifetime: seconds(3600, 60, DAY, "Longest life of a client's assertion; so long its jti is remembered"),
      clock_skew: seconds(30, 0, 60, "Tolerance for the clocks of clients that sign assertions"),
    })
    .prefault({}),
  keys: z
    .strictObject({
      rotate_every: seconds(30 * DAY, 60, 3660 * DAY, "Active life of a signing key"),
      publish_before: seconds(DAY, 0, 60 * DAY, "A key is published so long before it signs"),
      jwks_max_age: seconds(900, 0, DAY, "Cache-Control max-age of the JWK sets"),
      algorithms: z
        .array(algorithm)
        .max(signingAlgorithms.length)
        .default([...signingAlgorithms])
        .describe("Keys for these are published from the first start on, so that no client has to wait for one"),
    })
    .refine(({ rotate_every, publish_before }) => publish_before <= rotate_every, {
      path: ["publish_before"],
      message: "must not be longer than rotate_every, or no key would be ready in time",
    })
    .prefault({}),
  exchange: z
    .strictObject({
      max_actors: z
        .number()
        .int()
        .min(1)
        .max(16)
        .default(4)
        .describe("How many actors a token may name, one inside the other (act, RFC 8693 section 4.1)"),
      private_hosts: z
        .array(z.string().regex(/^(?:[a-z0-9._-]{1,253}|\[[0-9a-f:]+\])$/, "must be a host name or IP address"))
        .max(100)
        .default([])
        .describe("Hosts of trusted issuers that may have private or loopback addresses, as in the URLs of the policy"),
    })
    .prefault({}),
  evidence: z
    .strictObject({
      source: z
        .enum(["none", "simulated", "gramine", "configfs-tsm", "dstack"])
        .default("none")
        .describe("The environment that vouches for the keys; a simulated one proves nothing"),
      lifetime: seconds(DAY, 600, 30 * DAY, "How long the evidence of a key is valid; it is renewed at half of that"),
      fresh_per_minute: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(60)
        .describe("Requests a minute for fresh evidence on each node; each costs a quote"),
    })
    .prefault({}),
  registration: z
    .strictObject({
      mode: z.enum(["open", "closed", "invitation"]).default("closed").describe("Who may register a user"),
      scopes: scopesSchema.default([]).describe("Scopes a newly registered user has"),
    })
    .prefault({}),
  limits: z
    .strictObject({
      login_attempts: z
        .number()
        .int()
        .min(1)
        .max(100)
        .default(5)
        .describe("Wrong passwords per account and block of addresses before delays grow"),
      login_max_delay: seconds(900, 1, DAY, "Longest delay between attempts of a block of addresses at one account"),
      account_attempts_per_hour: z
        .number()
        .int()
        .min(2)
        .max(100_000)
        .default(100)
        .describe("Wrong passwords per account from all addresses that no right one came from"),
      address_attempts_per_minute: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(60)
        .describe("Failed login attempts per address"),
      capability_refusals_per_minute: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(600)
        .describe("Refused requests for capability tokens per address"),
      password_queue_ms: z
        .number()
        .int()
        .min(0)
        .max(10_000)
        .default(500)
        .describe("Longest wait for a password hash before 503"),
      password_parallel: z.number().int().min(1).max(64).default(2).describe("Password hashes computed at once"),
      body_bytes: z.number().int().min(1024).max(1_048_576).default(65_536).describe("Largest request body"),
    })
    .prefault({}),
  audit: z
    .strictObject({
      retention: seconds(400 * DAY, DAY, 3660 * DAY, "How long audit records are kept"),
      retention_of: z
        .array(z.string().refine(isRetention, RETENTION_FORM))
        .default([])
        .describe("The same for some events, by name or first part: user=63072000, token.issued=0"),
    })
    .prefault({}),
  server: z
    .strictObject({
      trusted_proxies: z
        .array(
          z
            .string()
            .refine(
              (text) => canonicalBlock(text) !== undefined,
              "must be an IP address, or a block such as 10.0.0.0/8",
            )
            .overwrite((text) => canonicalBlock(text) ?? text),
        )
        .default([])
        .describe("IP addresses of proxies whose header names the client, or blocks: 10.42.0.0/16"),
      forwarded_header: z
        .enum(["x-forwarded-for", "forwarded"])
        .default("x-forwarded-for")
        .describe(
          "The header that trusted proxies write or extend: X-Forwarded-For, or Forwarded (RFC 7239); they must not pass on a client's own",
        ),
      client_certificate_header: z
        .enum(["none", "client-cert"])
        .default("none")
        .describe(
          "Whether trusted proxies hand over the certificates of clients in Client-Cert (RFC 9440); they must have verified them against your authorities, and must not pass on a client's own header",
        ),
      loopback_privileges: z
        .boolean()
        .default(true)
        .describe(
          "Whether requests from this machine may use loopback clients, /metrics and /auth/token; false behind a proxy on it that adds no header",
        ),
      open_metrics: z.boolean().default(false).describe("Whether /metrics answers beyond loopback"),
      cors_origins: z
        .array(z.url().refine(isOrigin, "must be an origin as browsers send it: scheme, host and port, no path"))
        .default([])
        .describe("Origins of browser applications that may call the token endpoint"),
    })
    .prefault({}),
  capability: z
    .strictObject({
      enabled: z.boolean().default(true).describe("Whether the endpoints for capability tokens answer"),
      root_key: z
        .enum(["ed25519", "secp256r1"])
        .default("ed25519")
        .describe("What capability tokens are signed with: Ed25519, or ECDSA on P-256"),
      component: z
        .string()
        .refine(isName, NAME_RULE)
        .optional()
        .describe("The name under which this authority signs off tokens; it signs none off when absent"),
      issuers: z
        .array(
          z.string().refine(isPublicKey, "must be key text: ed25519/ and 64 hexadecimal digits, or secp256r1/ and 66"),
        )
        .max(16)
        .default([])
        .describe("Root keys of other authorities whose tokens this one signs off"),
      san_dns: z
        .array(
          z.string().refine(isHostPattern, "must be a host name in lower case; * stands for one label or a part of it"),
        )
        .max(100)
        .default([])
        .describe("Host names that are identities, where a client certificate names no URI"),
    })
    .prefault({}),
  compat: z
    .strictObject({
      faces: z
        .array(z.enum(["jwt-issuer", "sts"]))
        .default([])
        .describe("Compatibility endpoints of older systems, switched on by name"),
      jwt_issuer_client: idSchema
        .refine(isId, "must be a client id: 1 to 64 of A-Z a-z 0-9 . _ -")
        .optional()
        .describe("Client whose credential /auth/token demands; loopback only when absent"),
      sts_client: idSchema
        .refine(isId, "must be a client id: 1 to 64 of A-Z a-z 0-9 . _ -")
        .default("sts")
        .describe("Public client in whose name /stsToken gives tokens"),
    })
    .prefault({}),
});

const issuances: ReadonlySet<string> = new Set(["token.issued", "capability.issued"]);

/** Only grants may be left out: every change must have its record. */
function isRetention(text: string): boolean {
  const [, name = "", digits = ""] = /^([a-z]+(?:\.[a-z]+)?)=(\d{1,9})$/.exec(text) ?? [];
  const isKnown = Object.keys(eventTable).some((event) => event === name || event.startsWith(`${name}.`));
  const retention = Number(digits);
  return isKnown && ((retention >= DAY && retention <= 3660 * DAY) || (retention === 0 && issuances.has(name)));
}

/** What clients compare byte for byte and then fetch below: of the characters of RFC 3986, without what fetch refuses. */
function isIssuer(text: string): boolean {
  const url = /^https?:\/\/[\x21-\x7e]+$/i.test(text) && !/[?#]/.test(text) ? URL.parse(text) : null;
  return url !== null && url.username === "" && url.password === "";
}

function isPublicKey(text: string): boolean {
  try {
    return publicKeyOf(text).toString() === text;
  } catch {
    return false;
  }
}

/** RFC 6454 section 6.2; of the schemes that the platform knows no origin of, applications have some as browsers. */
function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.origin === "null" ? /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]+$/.test(text) : url.origin === text);
}

/** The configuration as checked: every member present and frozen. */
export type Config = Readonly<z.output<typeof configSchema>> & { readonly issuer: string };

/** The configuration as written, with every member optional. */
export type ConfigInput = z.input<typeof configSchema>;

/**
 * Checks a configuration and fills in defaults.
 *
 * @throws {TypeError} naming each wrong member, what it must be and what it is.
 * @example
 * ```ts
 * import { parseConfig } from "@countersign/authority";
 * const config = parseConfig({ issuer: "https://id.example.com", tokens: { access_ttl: 300 } });
 * ```
 */
export function parseConfig(input: ConfigInput & { readonly issuer: string }): Config {
  const result = configSchema.safeParse(input);
  if (!result.success) throw new TypeError(`Cannot use this configuration:\n${z.prettifyError(result.error)}`);
  return deepFreeze({ ...result.data, issuer: input.issuer });
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}
