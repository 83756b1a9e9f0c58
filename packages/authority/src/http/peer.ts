import { CountersignError, defined } from "@countersign/protocol";
import type { Connection, Peer } from "../caller.ts";
import type { Config } from "../config.ts";
import { canonicalPeer, isAmong, isLoopbackAddress } from "../values/address.ts";
import { forwardedClient } from "./forwarded.ts";
import { forwardedCertificate } from "./forwarded-certificate.ts";
import type { HeaderLookup } from "./message.ts";

/** Headers by which proxies say that they forwarded a request: RFC 7239, its forerunners, and what single products add. */
const forwardingHeaders = [
  ...["forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "client-cert"],
  ...["for", "host", "proto", "port", "server", "prefix", "ssl", "scheme", "client-cert"].map(
    (of) => `x-forwarded-${of}`,
  ),
  ...["true-client-ip", "cf-connecting-ip", "fastly-client-ip", "x-envoy-external-address", "x-envoy-internal"],
];

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * Who sent a request. Loopback is a fact about the socket: a forwarding header, even a forged one, only ever takes it
 * away, because a reverse proxy on this machine makes every request come from 127.0.0.1. A header names the client
 * only when the socket's peer is a proxy that the configuration trusts (RFC 7239 section 8.1). A proxy that adds no
 * header cannot be told from a program of this machine: the configuration takes loopback away from both.
 *
 * @throws {CountersignError} `invalid_request` when a trusted proxy names its client in a way that cannot be read.
 */
export function peerOf(headers: HeaderLookup, connection: Connection, config: Config): Peer {
  const address = plainAddress(connection.address);
  const forwarded = forwardingHeaders.some((name) => headers.has(name));
  const trusted = address !== undefined && isAmong(config.server.trusted_proxies, address);
  const client = trusted ? forwardedClient(headers, address, config.server) : address;
  const certificate = certificateOf(headers, connection, { trusted, forwarded }, config);
  const direct = address !== undefined && isLoopbackAddress(address) && !connection.relayed && !forwarded && !trusted;
  return {
    loopback: direct && config.server.loopback_privileges,
    ...defined({ address: client, certificate }),
  };
}

/** The connection of a trusted proxy shows the proxy's own certificate, and never the client's. */
function certificateOf(
  headers: HeaderLookup,
  { certificate }: Connection,
  { trusted, forwarded }: { readonly trusted: boolean; readonly forwarded: boolean },
  { server }: Config,
): Connection["certificate"] {
  if (!trusted) return certificate;
  if (server.client_certificate_header === "client-cert") return forwardedCertificate(headers);
  return forwarded ? undefined : certificate;
}

/**
 * Refuses a loopback request that a browser was tricked into sending: DNS rebinding shows in the Host header, another
 * site's page in Origin.
 */
export function refuseRebinding(headers: HeaderLookup, peer: Peer): void {
  if (!peer.loopback) return;
  const host = headers.get("host");
  if (host !== null && !LOOPBACK_HOST.test(host)) throw new CountersignError("misdirected_request");
  const origin = headers.get("origin");
  if (origin !== null && !LOOPBACK_HOST.test(origin.replace(/^https?:\/\//, ""))) {
    throw new CountersignError("access_denied", { hint: "Pages of other sites may not use the loopback interface" });
  }
}

/** What the socket shows, in one spelling and without the zone of a link. */
function plainAddress(address: string | undefined): string | undefined {
  return address === undefined ? undefined : canonicalPeer(address.replace(/%.*$/, "").toLowerCase());
}
