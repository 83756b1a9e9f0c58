import { checkServing, type TlsOptions } from "@countersign/authority/node";
import { type Address, parseAddress } from "./address.ts";
import { checkDataDirectory, keyFromVariable } from "./data-directory.ts";
import { CliFailure } from "./failure.ts";
import { readKeyFile } from "./open-authority.ts";
import { type LoadedSettings, loadSettings, type SettingsSources } from "./settings.ts";
import type { Settings } from "./settings-schema.ts";
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
  return {
    ...loaded,
    settings,
    address,
    warnings: [...warnings, ...doubtful(settings, address)],
    ...(tls === undefined ? {} : { tls }),
  };
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
function doubtful({ issuer, compat, listen, registration }: Settings, { host }: Address): readonly string[] {
  const isNowhere = issuer === undefined && (host === "0.0.0.0" || /^[0:]+$/.test(host));
  const isOpen = registration.mode === "open" && registration.scopes.includes("superuser");
  const isIdle = compat.jwt_issuer_client !== undefined && !compat.faces.includes("jwt-issuer");
  return [
    ...(isNowhere
      ? [`the issuer in every token is where this listens, ${listen}, and nobody can find that; give --issuer`]
      : []),
    ...(isOpen ? ["whoever registers is an administrator: registration is open, and its scopes hold superuser"] : []),
    ...(isIdle ? ["compat.jwt_issuer_client does nothing without the face: compat.faces names no jwt-issuer"] : []),
  ];
}
