import { type Authority, type FirstStart, prepareFirstStart } from "@countersign/authority";
import { CountersignError } from "@countersign/protocol";
import { loopbackUrl } from "./loopback-url.ts";
import type { Printer } from "./printer.ts";
import { type Welcome, welcome } from "./welcome.ts";

/** A server that answers, and what its start has to tell. */
export interface Greeted {
  readonly served: { readonly url: string };
  readonly authority: Pick<Authority, "services">;
  readonly first: FirstStart;
}

/**
 * Prints the address and, on a first start, the administrator's password: to stdout, never to the log. It counts as
 * shown when it was written. A node that was overtaken meanwhile takes its password back and prints what holds now.
 */
export async function greet({ served, authority, first }: Greeted, print: Printer): Promise<void> {
  const { services } = authority;
  const { issuer, server } = services.config;
  const home = loopbackUrl(served.url, server);
  const place = { url: served.url, issuer, ...(home === undefined ? {} : { loopbackUrl: home }) };
  for (let start = first; ; start = await prepareFirstStart(services)) {
    print.text(greeting({ ...place, ...start }, print.json));
    if (await isConfirmed(start)) return;
    print.note("countersign: warning: this password is void: another node took over the first start");
  }
}

function greeting(told: Welcome, json: boolean): string {
  if (!json) return welcome(told);
  const { url, issuer, adminPassword } = told;
  return `${JSON.stringify({ url, issuer, admin_password: adminPassword })}\n`;
}

async function isConfirmed(start: FirstStart): Promise<boolean> {
  try {
    await start.confirmShown();
    return true;
  } catch (error) {
    if (error instanceof CountersignError && error.code === "conflict") return false;
    throw error;
  }
}
