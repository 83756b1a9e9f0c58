import type { Option, Run } from "../command.ts";

const text = (summary: string, more: Partial<Option> = {}): Option => ({ kind: "text", summary, ...more });

/** Where the authority is. */
export const serverOptions: Readonly<Record<string, Option>> = {
  server: text("Host of the authority, and its port; the default server", { value: "HOST", short: "s" }),
  port: text("Its port; 443", { value: "PORT", short: "p" }),
  ca: text("The certificates that sign the authority's; kept for the next time", { value: "FILE" }),
};

/** The certificate of whoever calls. */
export const certificateOptions: Readonly<Record<string, Option>> = {
  cert: text("The client's certificate; kept for the next time", { value: "FILE" }),
  key: text("Its private key", { value: "FILE" }),
};

/** What tokens are verified with. */
export const publicKeyOptions: Readonly<Record<string, Option>> = {
  "public-key": text("The authority's public key: PEM, base64 of it, or key text", { value: "KEY" }),
  "public-key-file": text("A file with it", { value: "FILE" }),
};

/** Which token. */
export const tokenOptions: Readonly<Record<string, Option>> = {
  "token-name": text("A saved token; default", { value: "NAME" }),
  "token-file": text("A file with a token; - is stdin", { value: "FILE" }),
};

/** What becomes of a new token. */
export const newTokenOptions: Readonly<Record<string, Option>> = {
  "save-as": text("Save the token under this name", { value: "NAME" }),
  "token-only": { kind: "flag", summary: "Print the token and nothing else" },
};

/** More words for people. */
export const verbose: Option = { kind: "flag", summary: "Say more", short: "v" };

/** A whole number of seconds. */
export const ttl = (summary: string): Option => text(summary, { value: "SECONDS" });

/** The variables that stand for an option that is not given, the first that is set: ours, those of the SDK, those of hessra. */
const variables: Readonly<Record<string, readonly string[]>> = {
  server: ["COUNTERSIGN_SERVER", "COUNTERSIGN_BASE_URL", "HESSRA_SERVER"],
  port: ["COUNTERSIGN_PORT", "HESSRA_PORT"],
  cert: ["COUNTERSIGN_CERT", "COUNTERSIGN_MTLS_CERT_FILE", "HESSRA_CERT"],
  // COUNTERSIGN_KEY is the key-encryption key of the authority.
  key: ["COUNTERSIGN_CERT_KEY", "COUNTERSIGN_MTLS_KEY_FILE", "HESSRA_KEY"],
  ca: ["COUNTERSIGN_CA", "COUNTERSIGN_SERVER_CA_FILE", "HESSRA_CA"],
  "public-key": ["COUNTERSIGN_PUBLIC_KEY", "HESSRA_PUBLIC_KEY"],
};

/** What the environment says for an option. */
export function fromEnvironment({ world }: Pick<Run, "world">, option: string): string | undefined {
  return variables[option]?.map((name) => world.env[name]).find((value) => value !== undefined && value !== "");
}

/** An option, or what the environment says in its place. */
export function settingOf(run: Pick<Run, "given" | "world">, option: string): string | undefined {
  return run.given.text(option) ?? fromEnvironment(run, option);
}
