import { rm } from "node:fs/promises";
import { type Authority, type FirstStart, prepareFirstStart } from "@countersign/authority";
import { CountersignError, defined } from "@countersign/protocol";
import { loopbackUrl } from "./loopback-url.ts";
import { writePasswordFile } from "./password-file.ts";
import type { Printer } from "./printer.ts";
import { type Welcome, welcome } from "./welcome.ts";

/** A server that answers, and what its start has to tell. */
export interface Greeted {
  readonly served: { readonly url: string };
  readonly authority: Pick<Authority, "services">;
  readonly first: FirstStart;
  /** Where the administrator's password goes in place of stdout. */
  readonly passwordFile?: string;
}

/**
 * Prints the address and, on a first start, the administrator's password: to stdout or a file, never to the log. It counts
 * as shown when it was written. A node that was overtaken meanwhile takes its password back and prints what holds now.
 */
export async function greet({ served, authority, first, passwordFile }: Greeted, print: Printer): Promise<void> {
  const { services } = authority;
  const { issuer, server } = services.config;
  const home = loopbackUrl(served.url, server);
  const place = { url: served.url, issuer, ...defined({ loopbackUrl: home }) };
  for (let start = first; ; start = await prepareFirstStart(services)) {
    const told = await handOver(start, passwordFile);
    print.text(greeting({ ...place, ...told }, print.json));
    if (await isConfirmed(start)) return;
    if (told.passwordFile !== undefined) await rm(told.passwordFile);
    print.note("countersign: warning: this password is void: another node took over the first start");
  }
}

/** What is printed of the password: itself, or the file that it went to. */
async function handOver(
  { adminPassword }: FirstStart,
  passwordFile: string | undefined,
): Promise<Pick<Welcome, "adminPassword" | "passwordFile">> {
  if (adminPassword === undefined) return {};
  if (passwordFile === undefined) return { adminPassword };
  await writePasswordFile(passwordFile, adminPassword);
  return { passwordFile };
}

function greeting(told: Welcome, json: boolean): string {
  if (!json) return welcome(told);
  const { url, issuer, adminPassword, passwordFile } = told;
  return `${JSON.stringify({ url, issuer, admin_password: adminPassword, admin_password_file: passwordFile })}\n`;
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
