import { X509Certificate } from "node:crypto";
import { checkServing, type TlsOptions } from "@countersign/authority/node";
import { type Address, parseAddress } from "./address.ts";
import { checkDataDirectory, keyFromVariable } from "./data-directory.ts";
import { CliFailure } from "./failure.ts";
import { readKeyFile } from "./open-authority.ts";
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
  judge({ host: address.host, insecureHttp: settings.insecure_http, ...(tls === undefined ? {} : { tls }) });
  if (settings.key_file !== undefined) readKeyFile(settings.key_file);
  keyFromVariable("COUNTERSIGN_KEY", world);
  checkDataDirectory(settings.data);
  const serving = { ...loaded, settings, address, ...(tls === undefined ? {} : { tls }) };
  return { ...serving, warnings: [...warnings, ...doubts(serving, world.clock.now())] };
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
function doubts({ settings, address, tls }: Omit<Serving, "warnings">, now: number): readonly string[] {
  const { issuer, listen, compat, registration, server } = settings;
  const hasFace = compat.faces.includes("jwt-issuer");
  const hasClient = compat.jwt_issuer_client !== undefined;
  const doubtful: readonly (readonly [boolean, string])[] = [
    [
      issuer === undefined && /^(?:0\.0\.0\.0|[0:]+)$/.test(address.host),
      `the issuer in every token is where this listens, ${listen}, and nobody can find that; give --issuer`,
    ],
    [
      registration.mode === "open" && registration.scopes.includes("superuser"),
      "whoever registers is an administrator: registration is open, and its scopes hold superuser",
    ],
    [hasClient && !hasFace, "compat.jwt_issuer_client does nothing without the face: compat.faces names no jwt-issuer"],
    [
      hasFace && !hasClient && !server.loopback_privileges,
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
