import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type Authority,
  type AuthorityOptions,
  admitRulesVersion,
  createAuthority,
  createMetrics,
  type Observer,
  parseConfig,
  readSigningKey,
} from "@countersign/authority";
import { nodeNetwork } from "@countersign/authority/node";
import { defined } from "@countersign/protocol";
import { openDataDirectory } from "./data-directory.ts";
import { isEncryptedPem } from "./encrypted-key.ts";
import { CliFailure, reasonOf } from "./failure.ts";
import { loadServedPolicy } from "./policy-files.ts";
import type { Settings } from "./settings-schema.ts";
import type { World } from "./world.ts";

/** What an authority on a data directory is opened with. */
export interface OpenOptions {
  readonly settings: Settings;
  readonly issuer: string;
  readonly observer?: Observer;
  /** Where tokens are signed. @default "thread" */
  readonly signing?: AuthorityOptions["signing"];
  /** Told when the files of the store were taken away while they were in use. */
  readonly onLost?: (why: string) => void;
}

/** Opens the authority of a data directory, making what is not there yet. One process at a time. */
export async function openAuthority(
  { settings, issuer, observer, signing, onLost }: OpenOptions,
  world: World,
): Promise<Authority> {
  const { clock, random } = world;
  // Before anything is made: a key that cannot be read must not leave a store whose ring holds another one.
  const key = settings.key_file === undefined ? undefined : readKeyFile(settings.key_file);
  const served = await loadServedPolicy(settings.policy, random);
  const serverAuthority = readServerAuthority(settings);
  const parts: { authority?: Authority } = {};
  const passwordQueue = () => parts.authority?.services.passwords.waiting ?? 0;
  const metrics = createMetrics({ process: true, passwordQueue });
  const { store, keyEncryptionKey } = await openDataDirectory(settings, world, {
    onCommit: metrics.storeCommit,
    ...defined({ onLost }),
  });
  try {
    if (served?.sealed !== undefined) await admitRulesVersion(store, served.sealed.version, served.sealed.file);
    const config = parseConfig({ ...authorityPart(settings), issuer });
    const authority = await createAuthority({
      config,
      store,
      keyEncryptionKey,
      clock,
      random,
      metrics,
      clientCertificates: certificatesOf(settings),
      network: nodeNetwork,
      ...(served === undefined ? {} : { policy: served.policy }),
      ...defined({ observer, signing, serverAuthority }),
    });
    parts.authority = authority;
    if (key !== undefined) await importKey(authority, key);
    return authority;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What of the settings is the authority's own. */
function authorityPart(settings: Settings) {
  const { listen, data, store, key_file, insecure_http, log_level, drain_seconds, tls, policy, issuer, ...rest } =
    settings;
  return rest;
}

type PrivateKey = ReturnType<typeof readSigningKey>;

/** An existing key signs from the first token on; a second start finds it in the ring. */
async function importKey({ services }: Authority, key: PrivateKey): Promise<void> {
  if (services.keys.list().some(({ kid }) => kid === key.kid)) return;
  await services.keys.import(key, "key file", { now: true });
}

/** @throws {CliFailure} when the file cannot be read or holds no key to sign with. */
export function readKeyFile(path: string): PrivateKey {
  const bytes = readBytes(path);
  try {
    return readSigningKey(bytes);
  } catch (error) {
    if (isEncryptedPem(bytes)) throw encrypted(path);
    throw new CliFailure(`cannot sign with the key file: ${path}`, {
      hints: [reasonOf(error).replace(/^Cannot use this key: /, "")],
    });
  }
}

function encrypted(path: string): CliFailure {
  return new CliFailure(`the key file is encrypted: ${path}`, {
    hints: [`countersign keys convert ${path} --to pem writes it without its passphrase`],
  });
}

/** @throws {CliFailure} when the file cannot be read. */
export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CliFailure(`cannot read the file: ${path}`, { hints: [reasonOf(error)] });
  }
}

/** Over TLS every client is asked for its certificate. */
function certificatesOf({ tls }: Settings): NonNullable<AuthorityOptions["clientCertificates"]> {
  if (tls.cert === undefined) return "none";
  return tls.client_ca === undefined ? "self-signed" : "self-signed or trusted";
}

/**
 * The certificates of the file that `tls.ca` names, and nothing else that it may hold: anybody gets them.
 *
 * @throws {CliFailure} when the file cannot be read or holds no certificate.
 */
export function readServerAuthority({ tls }: Pick<Settings, "tls">): string | undefined {
  if (tls.ca === undefined) return undefined;
  const blocks =
    readBytes(tls.ca)
      .toString()
      .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length > 0 && blocks.every(isCertificate)) return `${blocks.join("\n")}\n`;
  throw new CliFailure(`there is no certificate in the file: ${tls.ca}`, {
    hints: ["tls.ca is the authority of the server's certificate, as PEM"],
  });
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
