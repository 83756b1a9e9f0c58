import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { Readable } from "node:stream";
import type { Fetch } from "@countersign/protocol";
import type { Network } from "../exchange/network.ts";

/**
 * Reaches servers with Node's own HTTP, and keeps clear of what lies inside: whatever a name resolves to at the moment of the
 * connection is looked at, so that no name can lead to a metadata server or another machine of this network (RFC 8725 section
 * 3.10). Follows no redirect; verifies the server whatever `NODE_TLS_REJECT_UNAUTHORIZED` says.
 *
 * @example
 * ```ts
 * import { nodeNetwork } from "@countersign/authority/node";
 * const fetch = nodeNetwork({ allowPrivate: false });
 * ```
 */
export const nodeNetwork: Network = ({ allowPrivate, ca }) => {
  const guarded = allowPrivate ? {} : { lookup: publicLookup };
  const agents = {
    "https:": new Agent({
      rejectUnauthorized: true,
      minVersion: "TLSv1.2",
      ...guarded,
      ...(ca === undefined ? {} : { ca }),
    }),
    "http:": new HttpAgent({ ...guarded }),
  };
  return (url, init) => {
    const { protocol, hostname } = new URL(url);
    // Of an address that is written out nothing is looked up.
    const literal = hostname.replace(/^\[|\]$/g, "");
    if (!allowPrivate && isIP(literal) !== 0 && isInside(literal)) return Promise.reject(insideError(hostname));
    return protocol === "https:"
      ? send(httpsRequest, url, { ...init, agent: agents["https:"] })
      : send(httpRequest, url, { ...init, agent: agents["http:"] });
  };
};

type Send = (
  url: string,
  options: RequestOptions,
  answered: (incoming: IncomingMessage) => void,
) => ReturnType<typeof httpRequest>;
type SendInit = Parameters<Fetch>[1] & { readonly agent: HttpAgent };

function send(request: Send, url: string, { agent, signal, headers, method = "GET" }: SendInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent: RequestOptions = { agent, method, headers: Object.fromEntries(new Headers(headers)) };
    if (signal) sent.signal = signal;
    const outgoing = request(url, sent, (incoming) => {
      try {
        resolve(responseOf(incoming));
      } catch (error) {
        // Thrown from here, a status that no Response may have would end the process.
        incoming.destroy();
        reject(error);
      }
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

function responseOf(incoming: IncomingMessage): Response {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(incoming.headersDistinct))
    for (const value of values) headers.append(name, value);
  const status = incoming.statusCode ?? 0;
  if ([101, 204, 205, 304].includes(status)) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  return new Response(Readable.toWeb(incoming) as ReadableStream<Uint8Array>, { status, headers });
}

/** Resolves a name to addresses of which none lies inside: one that does could be the one that is connected to. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(
    hostname,
    { ...options, all: true } as LookupOptions & { readonly all: true },
    (error, addresses: LookupAddress[]) => {
      const [first] = addresses ?? [];
      if (error !== null) callback(error, []);
      else if (addresses.some(({ address }) => isInside(address))) callback(insideError(hostname), []);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first?.address ?? "", first?.family);
    },
  );
};

function insideError(hostname: string): NodeJS.ErrnoException {
  const why = "it has a private, loopback or link-local address; name it in exchange.private_hosts if that is meant";
  return Object.assign(new Error(`Cannot connect to ${hostname}: ${why}`), { code: "EACCES" });
}

/** The addresses that are no hosts of the public Internet (RFC 6890, RFC 4193, RFC 6598, RFC 4291). */
const inside = new BlockList();
for (const [net, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const)
  inside.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of [
  ["::", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const)
  inside.addSubnet(net, prefix, "ipv6");

/** Whether an address lies inside; an IPv4 address that is written as IPv6 is that IPv4 address (RFC 4291 section 2.5.5.2). */
export function isInside(address: string): boolean {
  return inside.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
}
