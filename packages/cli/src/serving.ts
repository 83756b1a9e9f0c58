import { X509Certificate } from "node:crypto";
import { minRotation } from "@countersign/authority";
import { checkServing, type TlsOptions } from "@countersign/authority/node";
import { defined } from "@countersign/protocol";
import { type Address, parseAddress } from "./address.ts";
import { checkDataDirectory, keyFromVariable, locationOf } from "./data-directory.ts";
import { CliFailure } from "./failure.ts";
import { readKeyFile, readServerAuthority } from "./open-authority.ts";
import { loadPolicy } from "./policy-files.ts";
import { type LoadedSettings, loadSettings, type SettingsSources } from "./settings.ts";
import { tlsOptions } from "./tls-options.ts";
import type { World } from "./world.ts";

/** What an authority is served with. */
export interface Serving extends LoadedSettings {
  readonly address: Address;
  readonly tls?: TlsOptions;
}

/**
 * Reads the settings and the files they name, and judges all of it that can be judged before anything is bound or made:
 * so `config check` says what `serve` would.
 *
 * @throws {CliFailure} naming what is wrong and what would be right.
 */
export function readServing(sources: Omit<SettingsSources, "env">, world: World): Serving {
  const { settings, warnings, ...loaded } = loadSettings({ ...sources, env: world.env });
  const address = parseAddress(settings.listen);
  const tls = tlsOptions(settings);
  judge({ host: address.host, insecureHttp: settings.insecure_http, ...defined({ tls }) });
  requireIssuer(settings, address);
  if (settings.key_file !== undefined) readKeyFile(settings.key_file);
  if (settings.policy.file !== undefined && settings.policy.key_file === undefined) loadPolicy(settings.policy.file);
  readServerAuthority(settings);
  keyFromVariable("COUNTERSIGN_KEY", world);
  checkDataDirectory(settings.data);
  locationOf(settings);
  const serving = { ...loaded, settings, address, ...defined({ tls }) };
  return { ...serving, warnings: [...warnings, ...doubts(serving, world.clock.now())] };
}

/** What listens at every address has none that others know it by, and tokens keep the issuer that they were given. */
function requireIssuer({ issuer, listen, tls }: LoadedSettings["settings"], { host, port }: Address): void {
  if (issuer !== undefined || !/^(?:0\.0\.0\.0|[0:]+)$/.test(host)) return;
  const scheme = tls.cert === undefined ? "http" : "https";
  throw new CliFailure(`no issuer: this listens at every address (${listen}), and none of them names it to others`, {
    hints: [`give --issuer with the URL that clients and verifiers use, such as ${scheme}://id.example.com:${port}`],
  });
}

function judge(options: Parameters<typeof checkServing>[0]): void {
  try {
    checkServing(options);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CliFailure(error.message, {
      hints: [
        options.tls === undefined
          ? "give --tls-cert and --tls-key, or --insecure-http if a proxy in front ends TLS on this network"
          : "the files are PEM: a certificate with its key (--tls-cert, --tls-key), authorities, revocation lists",
      ],
    });
  }
}

/** What is allowed, and yet cannot be meant. */
function doubts({ settings, tls }: Omit<Serving, "warnings">, now: number): readonly string[] {
  const { issuer, compat, registration, server, keys } = settings;
  const shortest = minRotation(settings);
  const isOffered = compat.faces.includes("jwt-issuer");
  const hasClient = compat.jwt_issuer_client !== undefined;
  const doubtful: readonly (readonly [boolean, string])[] = [
    [
      registration.mode === "open" && registration.scopes.includes("superuser"),
      "whoever registers is an administrator: registration is open, and its scopes hold superuser",
    ],
    [
      issuer?.endsWith("/") === true,
      `the issuer ends with a slash, and verifiers that are given it without one refuse every token: ${issuer}`,
    ],
    [
      keys.rotate_every < shortest,
      `keys.rotate_every is ${keys.rotate_every}, but keys sign for ${shortest} seconds: so long is a successor published before every cache has it (keys.jwks_max_age and 240 more, or keys.publish_before)`,
    ],
    [
      hasClient && !isOffered,
      "compat.jwt_issuer_client does nothing without the face: compat.faces names no jwt-issuer",
    ],
    [
      isOffered && !hasClient && !server.loopback_privileges,
      "/auth/token refuses everybody: server.loopback_privileges is false, and there is no compat.jwt_issuer_client",
    ],
    [tls !== undefined && !isCurrent(tls, now), "clients refuse the certificate of tls.cert: it is not valid now"],
  ];
  return doubtful.flatMap(([isSo, says]) => (isSo ? [says] : []));
}

function isCurrent({ cert }: TlsOptions, now: number): boolean {
  const { validFrom, validTo } = new X509Certificate(cert);
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}
