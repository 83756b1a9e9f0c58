/** What the benchmarks of the authority send to a server, and how they count it. */
import autocannon from "autocannon";
import type { Countersign } from "./countersign.ts";

/** The fields of a form. */
export type Fields = Readonly<Record<string, string>>;

/** So many requests are under way at once. */
export const connections = 64;

/** The headers of a form. */
export const headers = { "content-type": "application/x-www-form-urlencoded" };

/** A form as it is sent. */
export function body(fields: Fields): string {
  return new URLSearchParams(fields).toString();
}

/** Grants per second; a refused one fails the run. */
export async function loadGrants(
  { url, grant, name }: Pick<Countersign, "url" | "grant" | "name">,
  duration: number,
): Promise<number> {
  const result = await autocannon({ url, connections, duration, method: "POST", headers, body: body(grant) });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`Cannot measure ${name}: ${result.non2xx} refusals`);
  return Math.round(result["2xx"] / result.duration);
}

/** Refreshes per second: each connection is a device that presents the token it got last, and leaves it in `tokens`. */
export async function loadRefreshes(
  { url, app, name }: Pick<Countersign, "url" | "app" | "name">,
  tokens: string[],
  duration: number,
): Promise<number> {
  const form = body({ grant_type: "refresh_token", client_id: app });
  let device = 0;
  const result = await autocannon({
    url,
    connections: tokens.length,
    duration,
    method: "POST",
    headers,
    setupClient(client) {
      const mine = device++;
      const present = () => client.setBody(`${form}&refresh_token=${tokens[mine]}`);
      present();
      client.on("body", (answer) => {
        tokens[mine] = refreshTokenIn(answer) ?? tokens[mine] ?? "";
        present();
      });
    },
  });
  if (result.non2xx > 0) throw new Error(`Cannot measure refreshes of ${name}: ${result.non2xx} refusals`);
  return Math.round(result["2xx"] / result.duration);
}

/** Without reading JSON: the load takes its time from the cores that the server has. */
function refreshTokenIn(answer: Buffer): string | undefined {
  return /"refresh_token":"([^"]+)"/.exec(answer.toString("latin1"))?.[1];
}

/** Round by round, so that a drift of the machine's speed cancels out. */
export function ratios(ours: readonly number[] = [], theirs: readonly number[] = []) {
  return summary(ours.map((rate, round) => rate / (theirs[round] ?? Number.NaN)));
}

/** The least, the middle and the greatest of some values, to two places. */
export function summary(values: readonly number[]) {
  const sorted = [...values].sort((a, b) => a - b);
  const round = (value = Number.NaN) => Math.round(value * 100) / 100;
  return { min: round(sorted[0]), median: round(sorted[Math.floor(sorted.length / 2)]), max: round(sorted.at(-1)) };
}

/** Says on the terminal how far a run is. */
export function progress(text: string): void {
  console.error(`bench: ${text}`);
}
