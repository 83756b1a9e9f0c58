import { isIP, SocketAddress } from "node:net";

/** An IP address in the one spelling that sockets show (RFC 5952); `undefined` when the text is none. */
export function canonicalIp(text: string): string | undefined {
  const family = isIP(text);
  if (family === 0 || text.includes("%")) return undefined;
  return family === 4 ? text : new SocketAddress({ address: text, family: "ipv6" }).address;
}
