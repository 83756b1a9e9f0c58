import { networkInterfaces } from "node:os";
import { type Config, isAmong } from "@countersign/authority";

/** The addresses of this machine at which a program of it reaches what listens at a host. */
const reachedAt: Readonly<Record<string, readonly string[]>> = {
  localhost: ["127.0.0.1", "::1"],
  "[::]": ["127.0.0.1", "::1"],
  "0.0.0.0": ["127.0.0.1"],
};

/**
 * Where programs of this machine have the privileges of loopback: the URL that a server listens at, or the same at an
 * address that is no trusted proxy's. `undefined` where they have none.
 */
export function loopbackUrl(url: string, server: Config["server"]): string | undefined {
  const at = new URL(url);
  const { hostname } = at;
  const reached = (reachedAt[hostname] ?? [hostname]).filter(isLoopbackHere);
  const open = reached.filter((address) => !isAmong(server.trusted_proxies, sourceTo(address)));
  const [first] = open;
  if (!server.loopback_privileges || first === undefined) return undefined;
  // The name may be resolved to either address.
  if (open.length === reached.length && hostname === "localhost") return url;
  at.hostname = first.includes(":") ? `[${first}]` : first;
  return at.origin;
}

function isLoopbackHere(address: string): boolean {
  if (address.startsWith("127.")) return true;
  return (
    address === "::1" && Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === "::1"))
  );
}

/** Whatever address of 127.0.0.0/8 a connection goes to, it comes from the first one. */
function sourceTo(address: string): string {
  return address.startsWith("127.") ? "127.0.0.1" : address;
}
