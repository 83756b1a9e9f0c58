import type { Services } from "../services.ts";

const pageSize = 200;

/**
 * Publishes a key for the algorithm of each client, as clients may have come by another way than the client service: an
 * import, a restored backup, an earlier version. Stops when the authority closes.
 */
export async function announceForClients({
  clients,
  keys,
  lifecycle,
}: Pick<Services, "clients" | "keys" | "lifecycle">): Promise<void> {
  let after: string | undefined;
  while (!lifecycle.closing) {
    const page = await clients.list({ limit: pageSize, ...(after === undefined ? {} : { after }) });
    for (const { token } of page) if (token.algorithm !== undefined) await keys.announce(token.algorithm);
    if (page.length < pageSize) return;
    after = page.at(-1)?.clientId;
  }
}
