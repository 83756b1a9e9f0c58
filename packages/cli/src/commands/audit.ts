import { type Api, openApi, remoteOptions } from "../api.ts";

import type { Command, Run } from "../command.ts";
import { usageFailure } from "../failure.ts";
import { type JsonObject, objectsIn, textIn } from "../json-members.ts";
import { limitOf } from "../listing.ts";
import { legible } from "../printer.ts";

const POLL_MS = 1000;
const MAX_AT_ONCE = 1000;

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
    const isFollowing = run.given.flag("follow");
    if (isFollowing && run.given.text("until") !== undefined) {
      throw usageFailure("--follow has no end", "leave --until out, or --follow");
    }
    const api = await openApi(run);
    const found = await readAll(run, api, limit);
    print(run, found.records);
    if (isFollowing) await follow(run, api, found.cursor);
  },
};

/** What was found, in the order it happened, and the cursor of all that happens later. */
interface Look {
  readonly records: readonly JsonObject[];
  readonly cursor: string | undefined;
}

/** Goes on with what happens after a cursor, in the order it happens. */
async function follow(run: Run, api: Api, from: string | undefined): Promise<void> {
  for (let cursor = from; ; ) {
    await waitForNext(run);
    cursor = await catchUp(run, api, cursor);
  }
}

/** Shows what there is, response by response, until nothing is left. */
async function catchUp(run: Run, api: Api, from: string | undefined): Promise<string | undefined> {
  for (let cursor = from; ; ) {
    const response = await api.get("/api/v1/audit", { ...filters(run), after: cursor, limit: String(MAX_AT_ONCE) });
    print(run, objectsIn(response, "records"));
    const next = textIn(response, "cursor");
    if (next === cursor) return cursor;
    cursor = next;
  }
}

/** The newest records; as many as are wanted, however far behind others they lie. */
async function readAll(run: Run, api: Api, limit: number): Promise<Look> {
  const found: JsonObject[] = [];
  let cursor: string | undefined;
  let before: string | undefined;
  do {
    const size = String(Math.min(MAX_AT_ONCE, limit - found.length));
    const response = await read(run, api, { before, limit: size });
    found.push(...objectsIn(response, "records"));
    cursor ??= textIn(response, "cursor");
    before = textIn(response, "next");
  } while (before !== undefined && found.length < limit);
  return { records: found.toReversed(), cursor };
}

/** One answer: records newest first. */
function read(run: Run, api: Api, query: Query): Promise<JsonObject> {
  const { given, world } = run;
  const seconds = (text: string | undefined) =>
    text === undefined ? undefined : String(instantOf(text, world.clock.now()));
  return api.get("/api/v1/audit", {
    ...filters(run),
    since: seconds(given.text("since")),
    until: seconds(given.text("until")),
    ...query,
  });
}

function filters({ given }: Run): Query {
  return { name: given.text("name"), about: given.text("about") };
}

type Query = Readonly<Record<string, string | undefined>>;

/** One JSON object a line, or a line for people. */
function print({ print: { json, text } }: Run, records: readonly JsonObject[]): void {
  for (const record of records) text(`${json ? JSON.stringify(inSeconds(record)) : line(record)}\n`);
}

/** `at` in the unit of every other time of the command; the API's is milliseconds, so it has a fraction here. */
function inSeconds(record: JsonObject): JsonObject {
  return typeof record.at === "number" ? { ...record, at: record.at / 1000 } : record;
}

function line({ at, name, fields }: JsonObject): string {
  const pairs = typeof fields === "object" && fields !== null ? Object.entries(fields) : [];
  const time = typeof at === "number" ? new Date(at).toISOString() : "-";
  return [time, legible(name), ...pairs.map(([key, value]) => `${key}=${JSON.stringify(legible(value))}`)].join(" ");
}

/** Keeps the process alive meanwhile, as the clock's own timers do not. */
function waitForNext({ world }: Run): Promise<void> {
  const alive = setInterval(() => {}, POLL_MS);
  return world.clock.sleep(POLL_MS).finally(() => clearInterval(alive));
}

/** Seconds since the epoch of a date, or of so long ago. */
function instantOf(text: string, now: number): number {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const at = amount === undefined ? Date.parse(text) : now - Number(amount) * (unitMs[unit ?? ""] ?? 0);
  if (!Number.isFinite(at) || at < 0) throw usageFailure(`not a time: ${text}`, "such as 2030-01-31T12:00:00Z or 15m");
  return Math.floor(at / 1000);
}
