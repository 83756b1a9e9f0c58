import { isIPv4, isIPv6 } from "node:net";

/**
 * The block of addresses that one household or host has: an IPv4 address, or the /64 of an IPv6 address, inside which
 * its holder picks addresses freely (RFC 7721 section 2). IPv4-mapped addresses count as IPv4 (RFC 4291 section
 * 2.5.5.2). Other text stands for itself.
 */
export function addressBlock(address: string): string {
  const plain = address.replace(/%.*$/, "");
  if (isIPv4(plain)) return plain;
  if (!isIPv6(plain)) return address;
  const groups = groupsOf(plain);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped)
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 0xff])
      .join(".");
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")}::/64`;
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
