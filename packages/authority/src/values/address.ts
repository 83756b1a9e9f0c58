import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from "node:net";

/** An IP address in the one spelling that sockets show (RFC 5952); `undefined` when the text is none. */
export function canonicalIp(text: string): string | undefined {
  const family = isIP(text);
  if (family === 0 || text.includes("%")) return undefined;
  return family === 4 ? text : new SocketAddress({ address: text, family: "ipv6" }).address;
}

/** An IP address in one spelling; an IPv4 address that is written as IPv6 (RFC 4291 section 2.5.5.2) is that IPv4 address. */
export function canonicalPeer(text: string): string {
  return (canonicalIp(text) ?? text).replace(/^::ffff:(?=\d+\.)/, "");
}

/**
 * An address, or a block of them in CIDR notation (RFC 4632 section 3.1, RFC 4291 section 2.3), in one spelling; `undefined` when
 * the text is neither, when bits of the host are set, or when the block is all there are.
 */
export function canonicalBlock(text: string): string | undefined {
  const [address = "", length] = text.split(/\/(?=\d{1,3}$)/);
  const canonical = canonicalIp(address);
  if (canonical === undefined || length === undefined) return canonical && canonicalPeer(canonical);
  const family = isIPv4(canonical) ? "ipv4" : "ipv6";
  const bits = Number(length);
  // Sockets show the IPv4 address.
  if (canonicalPeer(canonical) !== canonical) return undefined;
  if (bits === 0 || bits > (family === "ipv4" ? 32 : 128)) return undefined;
  return isFirstOf(canonical, bits, family) ? `${canonical}/${bits}` : undefined;
}

/** Whether no bit of the host is set: with one it is unclear whether the host or its network is meant. */
function isFirstOf(address: string, bits: number, family: "ipv4" | "ipv6"): boolean {
  const groups = family === "ipv4" ? address.split(".").map(Number) : groupsOf(address);
  const width = family === "ipv4" ? 8 : 16;
  return groups.every((group, at) => {
    const own = Math.min(width, Math.max(0, bits - at * width));
    return (group & (2 ** (width - own) - 1)) === 0;
  });
}

/**
 * Whether an address is in one of some blocks, or one of them: such as those of `server.trusted_proxies`, as `parseConfig`
 * spells them.
 *
 * @param address As a socket shows it, without a zone, IPv4 in its own form.
 * @example
 * ```ts
 * import { isAmong } from "@countersign/authority";
 * isAmong(["10.42.0.0/16"], "10.42.7.1"); // true
 * ```
 */
export function isAmong(blocks: readonly string[], address: string): boolean {
  if (blocks.length === 0) return false;
  if (blocks.includes(address)) return true;
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  return isIP(address) !== 0 && rangesOf(blocks).check(address, family);
}

const compiled = new WeakMap<readonly string[], BlockList>();

function rangesOf(blocks: readonly string[]): BlockList {
  const known = compiled.get(blocks);
  if (known !== undefined) return known;
  const list = new BlockList();
  for (const [address = "", bits] of blocks.map((block) => block.split("/"))) {
    if (bits !== undefined) list.addSubnet(address, Number(bits), isIPv4(address) ? "ipv4" : "ipv6");
  }
  compiled.set(blocks, list);
  return list;
}

const loopbackV6 = new BlockList();
loopbackV6.addAddress("::1", "ipv6");
loopbackV6.addSubnet("::ffff:127.0.0.0", 104, "ipv6");

/** Whether a text is an address of the loopback interface, IPv4-mapped ones included (RFC 4291 section 2.5.5.2). */
export function isLoopbackAddress(text: string): boolean {
  const family = isIP(text);
  if (family === 4) return text.startsWith("127.");
  return family === 6 && loopbackV6.check(text.replace(/%.*$/, ""), "ipv6");
}

/** Whom an address counts as. */
export interface AddressBlocks {
  /**
   * What one household or host has: an IPv4 address, or the /64 of an IPv6 address, inside which its holder picks
   * addresses freely (RFC 7721 section 2). All loopback addresses are one block.
   */
  readonly narrow: string;
  /** What one site has: the /48 of an IPv6 address (RFC 6177). Who holds it also holds its 65,536 narrow blocks. */
  readonly wide?: string;
  readonly isLoopback: boolean;
}

const loopback: AddressBlocks = { narrow: "loopback", isLoopback: true };

/**
 * The blocks that an address lies in. IPv4-mapped addresses count as IPv4 (RFC 4291 section 2.5.5.2). Other text, such
 * as the path of a socket, stands for itself, and all that has no address for one block.
 */
export function addressBlocks(address: string | undefined): AddressBlocks {
  const plain = (address ?? "unknown").replace(/%.*$/, "");
  if (isLoopbackAddress(plain)) return loopback;
  if (isIPv4(plain)) return { narrow: plain, isLoopback: false };
  if (!isIPv6(plain)) return { narrow: address ?? plain, isLoopback: false };
  const groups = groupsOf(plain);
  const zeros = groups.findIndex((group) => group !== 0);
  if (zeros === 5 && groups[5] === 0xffff) return { narrow: dotted(groups.slice(6)), isLoopback: false };
  return { narrow: prefix(groups, 64), wide: prefix(groups, 48), isLoopback: false };
}

function dotted(groups: readonly number[]): string {
  return groups.flatMap((group) => [group >> 8, group & 0xff]).join(".");
}

function prefix(groups: readonly number[], bits: number): string {
  const head = groups.slice(0, bits / 16).map((group) => group.toString(16));
  return `${head.join(":")}::/${bits}`;
}

/** The eight groups of a valid IPv6 address (RFC 4291 section 2.2). */
function groupsOf(address: string): readonly number[] {
  const [head = "", tail] = address.split("::");
  const before = parseGroups(head);
  const after = parseGroups(tail ?? "");
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function parseGroups(text: string): readonly number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
