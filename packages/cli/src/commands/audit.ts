import { objectsIn, textIn } from "../answers.ts";
import { type Api, openApi, remoteOptions } from "../api.ts";
import type { Answer } from "../call.ts";
import type { Command, Run } from "../command.ts";
import { usageFailure } from "../failure.ts";
import { limitOf } from "../listing.ts";
import { legible } from "../printer.ts";

const pollMs = 1000;
const mostAtOnce = 1000;

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What happened, from the store. */
export const audit: Command = {
  name: "audit",
  summary: "Read the audit trail",
  options: {
    ...remoteOptions,
    name: { kind: "text", value: "EVENT", summary: "Only this event, or those that begin with it: user, token.issued" },
    about: { kind: "text", value: "ID", summary: "Only what mentions this client, user or login" },
    since: {
      kind: "text",
      value: "TIME",
      summary: "2030-01-31, 2030-01-31T12:00:00Z, or how long ago: 90s 15m 24h 7d",
    },
    until: { kind: "text", value: "TIME", summary: "The same, for the end" },
    limit: { kind: "text", value: "NUMBER", summary: "At most so many, the newest; 100 by default" },
    follow: { kind: "flag", summary: "Go on with what happens from now on" },
  },
  examples: ["countersign audit --name user --since 24h", "countersign audit --follow --json | jq .name"],
  async run(run) {
    const limit = limitOf(run.given, 100);
    const api = await openApi(run);
    const found = await readAll(run, api, limit, {});
    print(run, found.records);
    if (run.given.flag("follow")) await follow(run, api, found);
  },
};

/** What a look found, in the order it happened, and the second up to which it saw everything. */
interface Look {
  readonly records: readonly Answer[];
  readonly latest: string | undefined;
}

/** Goes on with what happens after a look, in the order it happens. */
async function follow(run: Run, api: Api, first: Look): Promise<void> {
  const from = idOf(first.records[0]);
  let { latest } = first;
  let known = new Set(first.records.map(idOf));
  for (;;) {
    await waitForNext(run);
    // The records of that second may not all have been there: they are read again.
    const look = await readAll(run, api, Number.POSITIVE_INFINITY, latest === undefined ? {} : { since: latest });
    print(
      run,
      look.records.filter((record) => !known.has(idOf(record)) && idOf(record) > from),
    );
    known = new Set(look.records.map(idOf));
    latest = look.latest ?? latest;
  }
}

/** The newest records; as many as are wanted, however far behind others they lie. */
async function readAll(run: Run, api: Api, limit: number, query: Query): Promise<Look> {
  const found: Answer[] = [];
  let latest: string | undefined;
  let before: string | undefined;
  do {
    const size = String(Math.min(mostAtOnce, limit - found.length));
    const answer = await read(run, api, { ...query, before, limit: size });
    found.push(...objectsIn(answer, "records"));
    if (typeof answer.latest === "number") latest ??= String(answer.latest);
    before = textIn(answer, "next");
  } while (before !== undefined && found.length < limit);
  return { records: found.toReversed(), latest };
}

/** One answer: records newest first. */
function read({ given, world }: Run, api: Api, query: Query): Promise<Answer> {
  const seconds = (text: string | undefined) =>
    text === undefined ? undefined : String(instantOf(text, world.clock.now()));
  return api.get("/api/v1/audit", {
    name: given.text("name"),
    about: given.text("about"),
    since: seconds(given.text("since")),
    until: seconds(given.text("until")),
    ...query,
  });
}

type Query = Readonly<Record<string, string | undefined>>;

/** One JSON object a line, or a line for people. */
function print({ print: { json, text } }: Run, records: readonly Answer[]): void {
  for (const record of records) text(`${json ? JSON.stringify(record) : line(record)}\n`);
}

/** Ids sort as their records happened. */
function idOf(record: Answer | undefined): string {
  return String(record?.id ?? "");
}

function line({ at, name, fields }: Answer): string {
  const pairs = typeof fields === "object" && fields !== null ? Object.entries(fields) : [];
  const time = typeof at === "number" ? new Date(at).toISOString() : "-";
  return [time, legible(name), ...pairs.map(([key, value]) => `${key}=${JSON.stringify(legible(value))}`)].join(" ");
}

/** Keeps the process alive meanwhile, as the clock's own timers do not. */
function waitForNext({ world }: Run): Promise<void> {
  const alive = setInterval(() => {}, pollMs);
  return world.clock.sleep(pollMs).finally(() => clearInterval(alive));
}

/** Seconds since the epoch of a date, or of so long ago. */
function instantOf(text: string, now: number): number {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const at = amount === undefined ? Date.parse(text) : now - Number(amount) * (unitMs[unit ?? ""] ?? 0);
  if (!Number.isFinite(at) || at < 0) throw usageFailure(`not a time: ${text}`, "such as 2030-01-31T12:00:00Z or 15m");
  return Math.floor(at / 1000);
}
