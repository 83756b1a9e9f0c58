import { join } from "node:path";
import { portOf } from "./address.ts";
import { type CountersignConfig, protocolOf, type ResolvedConfig, resolveConfig } from "./config.ts";
import { type ConfigPorts, withDefaults } from "./config-ports.ts";
import { fileNames, formatOf, parseConfig, textMembers } from "./config-text.ts";
import { SdkError, type SdkErrorCode } from "./errors.ts";

type Ports = Required<ConfigPorts>;

const PEMS = ["mtlsCert", "mtlsKey", "serverCa", "publicKey", "personalKeypair"] as const;

/** What begins like this is PEM text itself: no base64 does. */
const PEM_BEGINS = "-----BEGIN";
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The system's own word for what went wrong, `ENOENT` for one. */
const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unreadable";

async function readAt(path: string, { readFile }: Ports): Promise<string> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new SdkError("io_error", { detail: `${codeOf(cause)}: ${path}`, cause });
  }
}

function pemIn(variable: string, value: string): string {
  if (value.startsWith(PEM_BEGINS)) return value;
  if (!BASE64.test(value)) throw new SdkError("env_var_error", { detail: `${variable} is neither base64 nor PEM` });
  return Buffer.from(value, "base64").toString("utf8");
}

/** A PEM text of the environment: the variable itself, or only where it is not set the file that the other one names. */
async function pemOf(variable: string, ports: Ports): Promise<string | undefined> {
  const { [variable]: value, [`${variable}_FILE`]: path } = ports.env;
  if (value !== undefined) return pemIn(variable, value);
  return path === undefined ? undefined : readAt(path, ports);
}

async function fromVariables(prefix: string, ports: Ports): Promise<Partial<CountersignConfig>> {
  const variable = (name: keyof CountersignConfig): string => `${prefix}_${fileNames[name].toUpperCase()}`;
  const { [variable("baseUrl")]: baseUrl, [variable("port")]: port, [variable("protocol")]: protocol } = ports.env;
  const texts = await Promise.all(PEMS.map(async (name) => [name, await pemOf(variable(name), ports)] as const));
  const found = new Map<string, string | undefined>([["baseUrl", baseUrl], ...texts]);
  return {
    ...textMembers((name) => found.get(name)),
    port: port === undefined ? undefined : portOf(port),
    protocol: protocol === undefined ? undefined : protocolOf(protocol),
  };
}

/**
 * Reads a configuration from variables: `PREFIX_BASE_URL`, `_PORT`, `_PROTOCOL`, and base64 of PEM text, or PEM text, in
 * `_MTLS_CERT`, `_MTLS_KEY`, `_SERVER_CA`, `_PUBLIC_KEY` and `_PERSONAL_KEYPAIR`, each with a twin that ends in `_FILE` and
 * names a file of PEM text.
 *
 * @throws {SdkError} `env_var_error`, `io_error`, and all of {@link resolveConfig}.
 */
export async function configFromEnv(prefix = "COUNTERSIGN", ports: ConfigPorts = {}): Promise<ResolvedConfig> {
  return resolveConfig(await fromVariables(prefix, withDefaults(ports)));
}

/**
 * Reads a configuration from a file: TOML when its name ends in `.toml` or `.tml`, else JSON.
 *
 * @throws {SdkError} `io_error`, `parse_error`, and all of {@link resolveConfig}.
 */
export async function configFromFile(path: string, ports: ConfigPorts = {}): Promise<ResolvedConfig> {
  return resolveConfig(parseConfig(await readAt(path, withDefaults(ports)), formatOf(path)));
}

/** What says that the environment is no configuration, and not that it is a wrong one. */
const INCOMPLETE: readonly SdkErrorCode[] = [
  "missing_base_url",
  "missing_certificate",
  "missing_key",
  "missing_server_ca",
];

const isIncomplete = (error: unknown): boolean => error instanceof SdkError && INCOMPLETE.includes(error.code);
const isAbsent = (error: unknown): boolean =>
  error instanceof SdkError && error.code === "io_error" && codeOf(error.cause) === "ENOENT";

/** Goes on with the next way where this one fails for that reason. */
async function unless<Result>(
  pass: (error: unknown) => boolean,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (pass(error)) return undefined;
    throw error;
  }
}

/**
 * Reads a configuration from the first place that has one: the variables; the file that `PREFIX_CONFIG_FILE` names;
 * `./prefix.json`; `prefix/config.json` in the folder of the user's configuration.
 *
 * @throws {SdkError} of the first place that has one and a wrong one; `missing_base_url` when none has.
 */
export async function configFromEnvOrFile(prefix = "COUNTERSIGN", ports: ConfigPorts = {}): Promise<ResolvedConfig> {
  const all = withDefaults(ports);
  const found = await unless(isIncomplete, () => configFromEnv(prefix, all));
  if (found !== undefined) return found;
  const { [`${prefix}_CONFIG_FILE`]: named } = all.env;
  if (named !== undefined) return configFromFile(named, all);
  const name = prefix.toLowerCase();
  for (const path of [`./${name}.json`, join(all.configFolder, name, "config.json")]) {
    const config = await unless(isAbsent, () => configFromFile(path, all));
    if (config !== undefined) return config;
  }
  throw new SdkError("missing_base_url");
}
