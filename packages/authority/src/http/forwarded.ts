import { isIP } from "node:net";
import { CountersignError } from "@countersign/protocol";
import type { Config } from "../config.ts";
import { canonicalPeer, isAmong } from "../values/address.ts";
import type { HeaderLookup } from "./message.ts";

/** One hop as a proxy wrote it: the address of a node, a node that the proxy does not name, or a text that is neither. */
type Hop = string | "unnamed" | undefined;

type ForwardedHeader = Config["server"]["forwarded_header"];

const readers: Readonly<Record<ForwardedHeader, (value: string) => readonly Hop[]>> = {
  "x-forwarded-for": (value) => value.split(",").map((node) => hopOf(node.trim())),
  forwarded: hopsOfForwarded,
};

/** The header that a proxy writes when it does not write the one that is configured. */
const other: Readonly<Record<ForwardedHeader, ForwardedHeader>> = {
  "x-forwarded-for": "forwarded",
  forwarded: "x-forwarded-for",
};

/**
 * The client that trusted proxies name: of the hops the last one that is not itself such a proxy, as all before it is
 * what the client wrote. `undefined` when the proxy says that it does not know or hides it (RFC 7239 section 6), the
 * proxy itself when it forwarded nothing.
 *
 * @throws {CountersignError} `invalid_request` when the hop cannot be read: its requests must not be taken for the
 * proxy's, or all clients would share one budget.
 */
export function forwardedClient(
  headers: HeaderLookup,
  proxy: string,
  { trusted_proxies: trusted, forwarded_header: name }: Config["server"],
): string | undefined {
  const value = headers.get(name);
  if (value === null) {
    if (headers.has(other[name])) throw unreadable(`${other[name]} is sent in place of ${name}`);
    return proxy;
  }
  const hops = readers[name](value);
  const isProxy = (hop: Hop) => hop !== undefined && isAmong(trusted, hop);
  const last = hops.findLast((hop) => !isProxy(hop)) ?? (hops.every(isProxy) ? hops[0] : undefined);
  if (last === undefined) throw unreadable(`${name} does not end with an address`);
  return last === "unnamed" ? undefined : last;
}

function unreadable(why: string): CountersignError {
  return new CountersignError("invalid_request", {
    hint: "The proxy in front of this server does not say who the client is; its operator finds the reason in the log",
    detail: `${why}; see server.forwarded_header and server.trusted_proxies`,
  });
}

const BRACKETED = /^\[([0-9A-Fa-f:.]+)\](?::(?:\d{1,5}|_[\w.-]+))?$/;
const DOTTED = /^(\d+\.\d+\.\d+\.\d+)(?::(?:\d{1,5}|_[\w.-]+))?$/;
const WITHHELD = /^(?:unknown|_[\w.-]+|unix:.*)$/i;

/** A node of RFC 7239 section 6, and a bare IPv6 address, as X-Forwarded-For has it: a port is no part of who it is. */
function hopOf(node: string): Hop {
  const zoneless = node.replace(/%[\w.-]+(?=\]|$)/, "");
  const address = BRACKETED.exec(zoneless)?.[1] ?? DOTTED.exec(zoneless)?.[1] ?? zoneless;
  if (isIP(address) !== 0) return canonicalPeer(address);
  return WITHHELD.test(node) ? "unnamed" : undefined;
}

/** A parameter or none, and what ends it. */
const PARAMETER = /[ \t]*(?:([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))[ \t]*)?([;,]|$)/y;

/**
 * RFC 7239 section 4. A header that is not whole is read as nothing: behind a quote that a client opened, what the proxy
 * added would look like part of the client's text.
 */
function hopsOfForwarded(value: string): readonly Hop[] {
  const hops: Hop[] = [];
  let node = "";
  PARAMETER.lastIndex = 0;
  for (;;) {
    const found = PARAMETER.exec(value);
    if (found === null) return [undefined];
    const [, name, quoted, bare = "", end] = found;
    if (name?.toLowerCase() === "for") node = quoted?.replace(/\\(.)/g, "$1") ?? bare;
    if (end === ";") continue;
    hops.push(hopOf(node));
    if (end === "") return hops;
    node = "";
  }
}
