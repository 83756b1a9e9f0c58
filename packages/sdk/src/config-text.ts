import { parse as parseTomlText, TomlError } from "smol-toml";
import { type CountersignConfig, protocolOf } from "./config.ts";
import { SdkError } from "./errors.ts";

/** How the members of a configuration are called in files; variables have the same names in upper case. */
export const fileNames = {
  baseUrl: "base_url",
  port: "port",
  mtlsCert: "mtls_cert",
  mtlsKey: "mtls_key",
  serverCa: "server_ca",
  protocol: "protocol",
  publicKey: "public_key",
  personalKeypair: "personal_keypair",
} as const satisfies Record<keyof CountersignConfig, string>;

/** Names the place only: the text there may be a key. */
function parseToml(text: string): unknown {
  try {
    return parseTomlText(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new SdkError("parse_error", { detail: `the text is no TOML at line ${error.line}, column ${error.column}` });
  }
}

/** Without the message of the parser, which quotes the text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SdkError("parse_error", { detail: "the text is no JSON" });
  }
}

/** The formats of configuration and of service chains. */
export const textFormats = { toml: parseToml, json: parseJson } as const;

/** The format of a file, by how its name ends. */
export const formatOf = (path: string): keyof typeof textFormats => (/\.(?:toml|tml)$/i.test(path) ? "toml" : "json");

function memberOf(members: ReadonlyMap<string, unknown>, name: string): string | undefined {
  const value = members.get(name) ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  throw new SdkError("parse_error", { detail: `${name} is not a string` });
}

function portIn(members: ReadonlyMap<string, unknown>): number | undefined {
  const value = members.get(fileNames.port) ?? undefined;
  if (value === undefined || typeof value === "number") return value;
  throw new SdkError("invalid_port");
}

/**
 * Reads a configuration from text; unknown members are ignored, and nothing is validated yet.
 *
 * @throws {SdkError} `parse_error` or `invalid_port`
 */
export function parseConfig(text: string, format: keyof typeof textFormats): Partial<CountersignConfig> {
  const parsed = textFormats[format](text);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new SdkError("parse_error", { detail: "the text is not an object with members" });
  }
  const members = new Map<string, unknown>(Object.entries(parsed));
  const protocol = memberOf(members, fileNames.protocol);
  return {
    ...textMembers((name) => memberOf(members, fileNames[name])),
    port: portIn(members),
    protocol: protocol === undefined ? undefined : protocolOf(protocol),
  };
}

/** The members that are plain text, each as it is found; those that are not there are left out. */
export function textMembers(
  find: (name: "baseUrl" | "mtlsCert" | "mtlsKey" | "serverCa" | "publicKey" | "personalKeypair") => string | undefined,
): Partial<CountersignConfig> {
  const names = ["baseUrl", "mtlsCert", "mtlsKey", "serverCa", "publicKey", "personalKeypair"] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = find(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
