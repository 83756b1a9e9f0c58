import { SdkError } from "./errors.ts";

/** Where an authority is. */
export interface ServerAddress {
  /** A name or an address; of IPv6 without brackets. */
  readonly host: string;
  /** Absent when the text names none. */
  readonly port: number | undefined;
}

const BRACKETED = /^\[([0-9A-Fa-f:.]+)\](?::(.*))?$/;
const IPV6 = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/;
const PLAIN = /^([^:]+)(?::(.*))?$/;
const HOST = /^[A-Za-z0-9._-]+$/;

/**
 * Reads a port.
 *
 * @throws {SdkError} `invalid_port`
 */
export function portOf(port: string | number): number {
  const value = typeof port === "number" ? port : /^[0-9]{1,5}$/.test(port) ? Number(port) : Number.NaN;
  if (Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
  throw new SdkError("invalid_port");
}

/** Takes a host and a port apart. */
function split(text: string): { readonly host: string; readonly port: string | undefined } | undefined {
  if (IPV6.test(text)) return { host: text, port: undefined };
  const [, host, port] = BRACKETED.exec(text) ?? PLAIN.exec(text) ?? [];
  if (host === undefined) return undefined;
  return HOST.test(host) || IPV6.test(host) ? { host, port } : undefined;
}

/**
 * Reads the address of a server: `host`, `host:port`, `[v6]:port` or a bare IPv6 address, with or without `https://` before
 * and a path behind, which are left out. Whatever the text says, the connection is TLS.
 *
 * @throws {SdkError} `invalid_base_url` or `invalid_port`
 * @example
 * ```ts
 * import { parseServerAddress } from "@countersign/sdk";
 * console.log(parseServerAddress("https://id.example.com:8443/").port); // 8443
 * ```
 */
export function parseServerAddress(text: string): ServerAddress {
  const bare = text
    .trim()
    .replace(/^https?:\/\//i, "")
    .replace(/[/?#].*$/s, "");
  if (bare === "") throw new SdkError("missing_base_url");
  const found = split(bare);
  if (found === undefined) throw new SdkError("invalid_base_url");
  return { host: found.host, port: found.port === undefined ? undefined : portOf(found.port) };
}

/** The origin of an address, with brackets where IPv6 wants them. */
export function originOf({ host, port = 443 }: ServerAddress): string {
  return `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
