import { defined } from "@countersign/protocol";
import type { Arguments, Option } from "./command.ts";
import { put, type SettingTree } from "./settings-sources.ts";

interface Flag extends Option {
  /** The member of the configuration it sets; without one it is no setting. */
  readonly path?: readonly string[];
}

const text = (summary: string, value: string, ...path: readonly string[]): Flag => ({
  kind: "text",
  summary,
  value,
  path,
});

const flags: Readonly<Record<string, Flag>> = {
  config: { kind: "text", value: "FILE", summary: "Configuration; countersign.toml when it is there" },
  listen: text("Where to listen; localhost:8080 by default", "HOST:PORT", "listen"),
  data: text("Directory of the store; ./data by default", "DIR", "data"),
  store: text("Where the store is: sqlite:DIR, postgres://…; in the directory by default", "URL", "store", "url"),
  issuer: text("The issuer in every token; the listening URL by default", "URL", "issuer"),
  "tls-cert": text("Certificate, PEM; serves HTTPS", "FILE", "tls", "cert"),
  "tls-key": text("Private key of the certificate, PEM", "FILE", "tls", "key"),
  "tls-ca": text("Authority of that certificate, PEM, for clients that ask for it", "FILE", "tls", "ca"),
  "tls-client-ca": text("Authorities whose client certificates are trusted, PEM", "FILE", "tls", "client_ca"),
  "tls-client-crl": text("Revocation lists of those authorities, PEM", "FILE", "tls", "client_crl"),
  "insecure-http": { kind: "flag", summary: "Allow plain HTTP beyond loopback", path: ["insecure_http"] },
  "key-file": text("An existing private key (JWK or PEM) to sign with", "FILE", "key_file"),
  compat: {
    kind: "list",
    value: "SYSTEM",
    summary: "Compatibility endpoints: jwt-issuer, sts",
    path: ["compat", "faces"],
  },
  "log-level": text("silent, error, warn, info or debug", "LEVEL", "log_level"),
};

/** The options that set settings. */
export const settingOptions: Readonly<Record<string, Option>> = flags;

/** The options that say where settings and data are, for commands that work on them without serving. */
export const placeOptions: Readonly<Record<string, Option>> = Object.fromEntries(
  Object.entries(flags).filter(([name]) => ["config", "data", "store"].includes(name)),
);

/** What the flags say of the settings, and which file they name. */
export function flagSettings(given: Arguments): { readonly flags: SettingTree; readonly path?: string } {
  const tree: SettingTree = {};
  for (const [name, { kind, path }] of Object.entries(flags)) {
    const value =
      kind === "flag" ? given.flag(name) || undefined : kind === "list" ? given.list(name) : given.text(name);
    if (path !== undefined && value !== undefined) put(tree, path, value);
  }
  const path = given.text("config");
  return { flags: tree, ...defined({ path }) };
}
