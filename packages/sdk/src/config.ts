import { PrivateKey, PublicKey } from "@countersign/biscuit";
import { parseServerAddress, portOf } from "./address.ts";
import { SdkError } from "./errors.ts";

const protocols = ["http1", "http2", "http3"] as const;

/** A version of HTTP. */
export type HttpProtocol = (typeof protocols)[number];

/** Where the authority is and what it is talked to with. Certificates and keys are PEM texts, not paths. */
export interface CountersignConfig {
  /** The host of the authority, with or without `https://` and a port. */
  readonly baseUrl: string;
  /** Goes before a port in `baseUrl`. @default that of `baseUrl`, or 443 */
  readonly port?: number | undefined;
  /** The client's certificate, a chain allowed; with `mtlsKey` or not at all. @default none */
  readonly mtlsCert?: string | undefined;
  /** The private key of `mtlsCert`. @default none */
  readonly mtlsKey?: string | undefined;
  /** The certificates that sign the server's: they alone are trusted. */
  readonly serverCa: string;
  /** @default "http1" */
  readonly protocol?: HttpProtocol | undefined;
  /** The authority's root key for tokens, as `GET /public_key` answers it. @default none: tokens are judged remotely */
  readonly publicKey?: string | undefined;
  /** PKCS#8 private key of this service, to attest and to mint with. @default none */
  readonly personalKeypair?: string | undefined;
}

/** A configuration that was validated: where things are, and keys that were read. */
export interface ResolvedConfig extends CountersignConfig {
  /** The port that is connected to. */
  readonly port: number;
  /** The version of HTTP that is spoken. */
  readonly protocol: HttpProtocol;
}

const CERTIFICATE = "-----BEGIN CERTIFICATE-----";

/** The PEM texts, what each must hold, and how it is called. */
const pems = [
  ["mtlsCert", CERTIFICATE, "Client certificate"],
  ["mtlsKey", "-----BEGIN", "Client key"],
  ["serverCa", CERTIFICATE, "Server CA certificate"],
  ["publicKey", "-----BEGIN PUBLIC KEY-----", "Server public key"],
  ["personalKeypair", "-----BEGIN", "Personal keypair"],
] as const;

/** Reads the name of a protocol, in any case. @throws {SdkError} `parse_error` */
export function protocolOf(name: string): HttpProtocol {
  const found = protocols.find((protocol) => protocol === name.toLowerCase());
  if (found !== undefined) return found;
  throw new SdkError("parse_error", { detail: `Invalid protocol: ${name.slice(0, 40)}` });
}

function checkPresence({ baseUrl, serverCa, mtlsCert, mtlsKey }: Partial<CountersignConfig>): void {
  if (baseUrl === undefined || baseUrl === "") throw new SdkError("missing_base_url");
  if (serverCa === undefined || serverCa === "") throw new SdkError("missing_server_ca");
  if (mtlsCert === undefined && mtlsKey !== undefined) throw new SdkError("missing_certificate");
  if (mtlsKey === undefined && mtlsCert !== undefined) throw new SdkError("missing_key");
}

function checkPems(config: Partial<CountersignConfig>): void {
  for (const [field, mark, name] of pems) {
    if (config[field]?.includes(mark) === false) {
      throw new SdkError("invalid_certificate", { detail: `${name} does not appear to be in PEM format` });
    }
  }
}

/** Reads a key now, so that a wrong one is told of before it is needed. The reason of a failure holds no part of a key. */
function checkKey(name: string, pem: string | undefined, read: (pem: string) => unknown): void {
  if (pem === undefined) return;
  try {
    read(pem);
  } catch (cause) {
    throw new SdkError("invalid_certificate", { detail: `${name} is no Ed25519 or P-256 key that can be read`, cause });
  }
}

function checkKeys({ publicKey, personalKeypair }: Partial<CountersignConfig>): void {
  checkKey("Server public key", publicKey, (pem) => PublicKey.fromPem(pem));
  checkKey("Personal keypair", personalKeypair, (pem) => PrivateKey.fromPem(pem));
}

/** Secrets are read by name and shown to nobody who prints or serialises the configuration. */
function hidden(config: ResolvedConfig): ResolvedConfig {
  for (const name of ["mtlsKey", "personalKeypair"] as const) {
    Object.defineProperty(config, name, { value: config[name], enumerable: false });
  }
  return Object.freeze(config);
}

/**
 * Validates a configuration and fills in its defaults. Printed or serialised, the result holds no private key.
 *
 * @throws {SdkError} `missing_base_url`, `missing_server_ca`, `missing_certificate`, `missing_key`, `invalid_base_url`,
 * `invalid_port`, `invalid_certificate`, `unsupported_protocol` or `parse_error`, in this order of what is looked at.
 */
export function resolveConfig(config: Partial<CountersignConfig>): ResolvedConfig {
  checkPresence(config);
  const { baseUrl = "", serverCa = "", mtlsCert, mtlsKey, publicKey, personalKeypair } = config;
  const address = parseServerAddress(baseUrl);
  const port = portOf(config.port ?? address.port ?? 443);
  checkPems(config);
  checkKeys(config);
  const protocol = protocolOf(config.protocol ?? "http1");
  if (protocol === "http3") throw new SdkError("unsupported_protocol");
  return hidden({ baseUrl, port, mtlsCert, mtlsKey, serverCa, protocol, publicKey, personalKeypair });
}
