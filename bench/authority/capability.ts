/**
 * /request_token beside client_credentials of the same server: npm run bench:capability [-- seconds per round] [-- rounds]
 *
 * Both are measured in turns (A B A B …) after a warm-up, so that a drift of the machine's speed meets both. The identity is
 * proved by an identity token, whose signature the server remembers, as it does of every caller who comes again.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import autocannon from "autocannon";
import { type Countersign, send, startCountersign } from "./countersign.ts";
import { connections, loadGrants, progress, ratios, summary } from "./load.ts";

const [seconds = 5, rounds = 5] = process.argv.slice(2).map(Number);

const subject = "urn:bench:alice";
const policy = {
  format: "countersign-policy/1",
  version: 1,
  subjects: [{ id: subject }],
  rules: [{ subjects: [subject], resources: ["orders"], operations: ["read"] }],
};

const directory = mkdtempSync(join(tmpdir(), "countersign-capability-"));
const server = await startCountersign(join(directory, "main"), 0);
try {
  const identity = await identityToken(server);
  const load = {
    client_credentials: (duration: number) => loadGrants(server, duration),
    request_token: (duration: number) => loadTokens(server, identity, duration),
  };
  const rates: Record<keyof typeof load, number[]> = { client_credentials: [], request_token: [] };
  progress("warm-up");
  for (const measure of Object.values(load)) await measure(3);
  for (let round = 1; round <= rounds; round++) {
    for (const name of ["client_credentials", "request_token"] as const) {
      rates[name].push(await load[name](seconds));
      progress(`round ${round} of ${rounds}: ${name} ${rates[name].at(-1)}/s`);
    }
  }
  console.table({
    "client_credentials/s": summary(rates.client_credentials),
    "/request_token/s": summary(rates.request_token),
    "/request_token to client_credentials": ratios(rates.request_token, rates.client_credentials),
  });
} finally {
  server.child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
}

async function identityToken({ origin, admin }: Countersign): Promise<string> {
  await send("PUT", `${origin}/api/v1/policy`, { body: JSON.stringify(policy), bearer: admin });
  const issued = await send("POST", `${origin}/api/v1/identity-tokens`, {
    body: JSON.stringify({ subject }),
    bearer: admin,
  });
  return issued.token ?? "";
}

/** Tokens per second; a refused one fails the run. */
async function loadTokens({ origin }: Countersign, identity: string, duration: number): Promise<number> {
  const result = await autocannon({
    url: `${origin}/request_token`,
    connections,
    duration,
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${identity}` },
    body: JSON.stringify({ resource: "orders", operation: "read" }),
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`Cannot measure: ${result.non2xx} refusals`);
  return Math.round(result["2xx"] / result.duration);
}
