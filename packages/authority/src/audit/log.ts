import { type Clock, defined, systemClock } from "@countersign/protocol";
import { type Logger, pino } from "pino";
import { type AuthorityEvent, type EventName, eventTable } from "./events.ts";
import type { Observer, RequestMetric } from "./observer.ts";

/** How much the log says, from least to most. */
export const logLevels = ["silent", "error", "warn", "info", "debug"] as const;

/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number];

/** Where and how to log. */
export interface LogOptions {
  /** Takes whole lines, newline included; several at once under load. */
  readonly write: (lines: string) => void;
  /** Whether the reader has fallen so far behind that lines are dropped, and counted, until it has caught up. @default never */
  readonly isStalled?: () => boolean;
  /** @default "info" */
  readonly level?: LogLevel;
  /** One JSON object a line for machines, or readable lines for a terminal. @default "json" */
  readonly format?: "json" | "text";
  /** Colours the readable lines. @default false */
  readonly colour?: boolean;
  /** @default the machine's clock */
  readonly clock?: Clock;
}

/** A log that listens to an authority. */
export interface Log extends Observer {
  /** Writes at once what is still gathered. */
  flush(): void;
}

const GATHERED_CHARACTERS = 16_384;

const allowed: ReadonlyMap<EventName, readonly string[]> = new Map(
  (Object.keys(eventTable) as EventName[]).map((name) => [
    name,
    [...eventTable[name].fields, ...eventTable[name].optional],
  ]),
);

/**
 * A structured log of what an authority does. Only the fields that {@link eventTable} lists are written, whatever else
 * an event carries, so a secret has no way in. Requests are logged at `debug`, and at `warn` when they failed: of each
 * route, method and status once a second.
 *
 * @example
 * ```ts
 * import { createLog } from "@countersign/authority";
 * const log = createLog({ write: (lines) => process.stderr.write(lines) });
 * log.event({ name: "authority.started", at: 0, fields: { issuer: "http://localhost:8080" } });
 * log.flush();
 * ```
 */
export function createLog(options: LogOptions): Log {
  const { clock = systemClock, format = "json", colour = false } = options;
  const gathered = gather(dropping(options, clock));
  const write = format === "json" ? gathered.write : (line: string) => gathered.write(formatLine(line, colour));
  const logger = pino(
    {
      level: options.level ?? "info",
      base: null,
      timestamp: false,
      formatters: { level: (level) => ({ level }) },
    },
    { write },
  );
  const isNews = news();
  return {
    event: (event) => logEvent(logger, event),
    request(request) {
      const now = clock.now();
      const level = request.status >= 500 && isNews(request, now) ? "warn" : "debug";
      if (logger.isLevelEnabled(level)) logger[level](requestLine(request, now));
    },
    flush: gathered.flush,
  };
}

function logEvent(logger: Logger, event: AuthorityEvent): void {
  const { level } = eventTable[event.name];
  if (!logger.isLevelEnabled(level)) return;
  const line: Record<string, unknown> = { time: timestamp(event.at), event: event.name };
  const given: Readonly<Record<string, unknown>> = event.fields;
  for (const name of allowed.get(event.name) ?? []) {
    const value = given[name];
    if (value !== undefined) line[name] = String(value);
  }
  logger[level](line);
}

function requestLine({ route, method, status, durationMs, grant }: RequestMetric, now: number) {
  return {
    time: timestamp(now),
    event: "http.exchange",
    route,
    method,
    status,
    durationMs: Math.round(durationMs * 1000) / 1000,
    ...defined({ grant }),
  };
}

/** Whether there was none of its kind in the last second: a server at its limit must not write a line a request. */
function news(): (request: RequestMetric, now: number) => boolean {
  const lastAt = new Map<string, number>();
  return ({ route, method, status }, now) => {
    const kind = `${status} ${method} ${route}`;
    const told = lastAt.get(kind) ?? Number.NEGATIVE_INFINITY;
    // A clock that was put back makes news of everything, once.
    if (now >= told && now - told < 1000) return false;
    lastAt.set(kind, now);
    return true;
  };
}

/** Writes lines, or counts them while nobody takes them: memory is bounded, and the log says what it lacks. */
function dropping({ write, isStalled = () => false, format, colour = false }: LogOptions, clock: Clock) {
  let dropped = 0;
  return (lines: string) => {
    if (isStalled()) {
      dropped += lines.split("\n").length - 1;
      return;
    }
    if (dropped > 0) {
      const line = `${JSON.stringify({ level: "warn", time: timestamp(clock.now()), event: "log.dropped", lines: dropped })}\n`;
      write(format === "text" ? formatLine(line, colour) : line);
      dropped = 0;
    }
    write(lines);
  };
}

function timestamp(at: number): string {
  return new Date(at).toISOString();
}

/** One system call for all the lines of a turn of the event loop: a line a token would cost as much as the hashing. */
function gather(write: (lines: string) => void) {
  let lines = "";
  let scheduled = false;
  const flush = () => {
    scheduled = false;
    if (lines === "") return;
    const ready = lines;
    lines = "";
    write(ready);
  };
  return {
    flush,
    write(line: string) {
      lines += line;
      if (lines.length >= GATHERED_CHARACTERS) return flush();
      if (scheduled) return;
      scheduled = true;
      setImmediate(flush);
    },
  };
}

const colours: Readonly<Record<string, string>> = { error: "31", warn: "33", info: "32", debug: "2" };

const PLAIN = /^[\x21\x23-\x3c\x3e-\x7e]+$/;

/** Characters that could forge a line or turn its direction on a terminal: C1 controls, zero widths, bidi marks. */
const UNSAFE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** One JSON log line as a line for people: time, level, event, then `name=value` pairs. */
function formatLine(json: string, colour: boolean): string {
  const { level, time, event, ...fields }: Record<string, unknown> = JSON.parse(json);
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${legible(String(value))}`);
  const label = String(level).padEnd(5);
  const shown = colour ? `\u001b[${colours[label.trim()] ?? "0"}m${label}\u001b[0m` : label;
  return `${[String(time), shown, String(event), ...pairs].join(" ")}\n`;
}

function legible(value: string): string {
  if (PLAIN.test(value)) return value;
  return JSON.stringify(value).replace(UNSAFE, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
