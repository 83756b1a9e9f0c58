import type { World } from "./world.ts";

/** What a command says: data to stdout, everything else to stderr. */
export interface Printer {
  /** Whether machines read along: then only JSON goes to stdout. */
  readonly json: boolean;
  /** Data: as JSON for machines, otherwise as the lines for people. */
  data(value: unknown, lines: () => readonly string[]): void;
  /** Rows under headings; `--json` prints the rows as they are, or what is given instead. */
  table<Row extends object>(
    rows: readonly Row[],
    columns: Readonly<Record<string, (row: Row) => unknown>>,
    json?: object,
  ): void;
  /** Text as it is, to stdout. */
  text(text: string): void;
  /** What was done, where that is all there is to say: JSON for machines, otherwise a remark to stderr. */
  done(value: object, line: string): void;
  /** A remark for people, to stderr. */
  note(line: string): void;
}

/** A printer of a world. Colours only on a terminal, and not when NO_COLOR is set (no-color.org). */
export function createPrinter(
  { stdout, stderr, env }: Pick<World, "stdout" | "stderr" | "env">,
  json: boolean,
): Printer {
  const colour = stdout.isTTY === true && (env.NO_COLOR ?? "") === "";
  const text = (out: string) => {
    stdout.write(out);
  };
  const data = (value: unknown, lines: () => readonly string[]) =>
    text(
      json
        ? `${JSON.stringify(value, undefined, 2)}\n`
        : lines()
            .map((line) => `${line}\n`)
            .join(""),
    );
  const note = (line: string) => {
    stderr.write(`${line}\n`);
  };
  return {
    json,
    text,
    data,
    table: (rows, columns, whole = rows) =>
      data(whole, () =>
        tableLines(rows, columns, { colour, ...(stdout.isTTY === true ? { most: stdout.columns } : {}) }),
      ),
    note,
    done: (value, line) => (json ? data(value, () => []) : note(line)),
  };
}

function tableLines<Row extends object>(
  rows: readonly Row[],
  columns: Readonly<Record<string, (row: Row) => unknown>>,
  { colour, most = Number.POSITIVE_INFINITY }: { readonly colour: boolean; readonly most?: number | undefined },
): readonly string[] {
  const bold = (text: string) => (colour ? `\u001b[1m${text}\u001b[0m` : text);
  const headings = Object.keys(columns);
  const cells = rows.map((row) => Object.values(columns).map((cell) => legible(cell(row))));
  const widths = headings.map((heading, at) => Math.max(heading.length, ...cells.map((line) => width(line[at] ?? ""))));
  const join = (line: readonly string[]) =>
    line
      .map((cell, at) => cell + " ".repeat((widths[at] ?? 0) - width(cell)))
      .join("  ")
      .trimEnd();
  const heading = join(headings);
  if (widths.reduce((sum, one) => sum + one + 2, -2) > most) return blocks(headings, cells, bold);
  return [bold(heading), ...cells.map(join)];
}

/** Where rows are wider than the terminal: a line for each of their cells, so that all of it can be read and copied. */
function blocks(
  headings: readonly string[],
  cells: readonly (readonly string[])[],
  bold: (text: string) => string,
): readonly string[] {
  const widest = Math.max(...headings.map((heading) => heading.length));
  return cells.flatMap((line, at) => [
    ...(at === 0 ? [] : [""]),
    ...line.map((cell, column) => `${bold((headings[column] ?? "").padEnd(widest))}  ${cell}`),
  ]);
}

/** A value in one cell. What others chose, names above all, cannot move the cursor or turn the text. */
export function legible(value: unknown): string {
  if (Array.isArray(value)) return legible(value.map(legible).join(" "));
  if (value === undefined || value === "") return "-";
  return String(value).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd");
}

/** The members of an object, a line each; lists as their values. */
export function memberLines(object: object): readonly string[] {
  return Object.entries(object).map(([name, value]) => {
    const shown = Array.isArray(value) ? value.map(compact) : (timeOf(name, value) ?? compact(value));
    return `${legible(name)}: ${legible(shown)}`;
  });
}

/** Instants as dates and spans with their unit; the wire has seconds for both. */
function timeOf(name: string, value: unknown): string | undefined {
  if (typeof value !== "number") return undefined;
  if (name.endsWith("_at") || name.endsWith("_from")) return instant(value);
  return name.endsWith("_ttl") ? `${value} s` : undefined;
}

function compact(value: unknown): unknown {
  return typeof value === "object" ? JSON.stringify(value) : value;
}

function width(text: string): number {
  return [...text].length;
}

/** Seconds since the epoch as text. */
export function instant(seconds: unknown): string {
  return typeof seconds === "number" && Number.isFinite(seconds)
    ? new Date(seconds * 1000).toISOString().replace(".000Z", "Z")
    : "-";
}
