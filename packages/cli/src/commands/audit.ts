import { objectsIn } from "../answers.ts";
import { type Answer, type Api, openApi, remoteOptions } from "../api.ts";
import type { Command, Run } from "../command.ts";
import { usageFailure } from "../failure.ts";
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
    const api = await openApi(run);
    let shown = show(run, await read(run, api), new Set());
    while (run.given.flag("follow")) {
      await waitForNext(run);
      shown = show(run, await read(run, api, shown), shown.ids);
    }
  },
};

/** What was shown last: the records of its second may not all have been there. */
interface Shown {
  readonly lastAt: number | undefined;
  readonly ids: ReadonlySet<string>;
}

async function read({ given, world }: Run, api: Api, after?: Shown): Promise<readonly Answer[]> {
  const seconds = (text: string | undefined) =>
    text === undefined ? undefined : String(instantOf(text, world.clock.now()));
  const answer = await api.get("/api/v1/audit", {
    limit: String(after === undefined ? (given.integer("limit") ?? 100) : mostAtOnce),
    name: given.text("name"),
    about: given.text("about"),
    since: after?.lastAt === undefined ? seconds(given.text("since")) : String(Math.floor(after.lastAt / 1000)),
    until: seconds(given.text("until")),
  });
  return objectsIn(answer, "records").toReversed();
}

/** Records in the order they happened, each once: one JSON object a line, or a line for people. */
function show({ print }: Run, records: readonly Answer[], before: ReadonlySet<string>): Shown {
  for (const record of records) {
    if (!before.has(String(record.id))) print.text(`${print.json ? JSON.stringify(record) : line(record)}\n`);
  }
  const lastAt = records.at(-1)?.at;
  return {
    lastAt: typeof lastAt === "number" ? lastAt : undefined,
    ids: records.length === 0 ? before : new Set(records.map(({ id }) => String(id))),
  };
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
