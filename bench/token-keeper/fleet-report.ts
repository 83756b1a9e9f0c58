import type { FleetResult } from "./fleet-run.ts";

/** The figures of one run. */
export interface FleetFigures {
  readonly name: string;
  readonly perLifetimeAndAudience: number;
  readonly steadyPeak: number;
  readonly attemptsWhileDown: number;
  readonly failedInOutage: number;
  readonly failedInRecovery: number;
  readonly wrong: number;
  readonly forgotten: number;
  readonly recoveryPeak: number;
  readonly recoveryRatio: number;
  readonly calls: number;
}

/** Peaks are counted over the life of a token: in it a token that is refreshed early is refreshed twice at most. */
function windowMs({ plan }: FleetResult): number {
  return plan.lifetimeS * 1000;
}

/** What a run shows. */
export function figures(result: FleetResult): FleetFigures {
  const { plan, downAt, upAt, endAt, steady, outage, recovery } = result;
  const answered = result.requests.filter(({ answered }) => answered).map(({ at }) => at);
  const before = answered.filter((at) => at >= 0 && at < downAt);
  const after = answered.filter((at) => at >= upAt && at < endAt);
  const steadyPeak = busiest(before, windowMs(result));
  const recoveryPeak = busiest(after, windowMs(result));
  return {
    name: plan.mode === "keeper" ? `token keeper, ${plan.cache} cache` : plan.mode,
    perLifetimeAndAudience: before.length / (downAt / (plan.lifetimeS * 1000)) / plan.audiences,
    steadyPeak,
    attemptsWhileDown: result.requests.filter(({ answered }) => !answered).length,
    failedInOutage: outage.failed,
    failedInRecovery: recovery.failed,
    wrong: steady.wrong + outage.wrong + recovery.wrong,
    forgotten: steady.forgotten + outage.forgotten + recovery.forgotten,
    recoveryPeak,
    recoveryRatio: recoveryPeak / Math.max(1, steadyPeak),
    calls: steady.calls + outage.calls + recovery.calls,
  };
}

/** The most events that any window of this length holds. */
function busiest(instants: readonly number[], lengthMs: number): number {
  let [most, first] = [0, 0];
  for (const [index, at] of instants.entries()) {
    while (at - (instants[first] ?? at) >= lengthMs) first++;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

/** A Markdown table. */
export function table(results: readonly FleetResult[]): string {
  const head = [
    "client",
    "calls",
    "requests per lifetime and audience",
    "attempts while down",
    "failed calls: outage",
    "failed calls: after",
    "wrong or expired tokens",
    "busiest lifetime: steady",
    "after the outage",
    "ratio",
  ];
  const rows = results
    .map(figures)
    .map((row) => [
      row.name,
      row.calls,
      row.perLifetimeAndAudience.toFixed(2),
      row.attemptsWhileDown,
      row.failedInOutage,
      row.failedInRecovery,
      row.wrong,
      row.steadyPeak,
      row.recoveryPeak,
      row.recoveryRatio.toFixed(2),
    ]);
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

const [width, rowHeight, left, top] = [900, 150, 60, 40];
const colours = ["#0b6e4f", "#1b998b", "#e0a030", "#c8553d"];

/** Requests per second over time, one panel for each run, on one logarithmic scale. */
export function plot(results: readonly FleetResult[]): string {
  const endMs = Math.max(...results.map(({ endAt }) => endAt));
  const x = (ms: number) => left + (ms / endMs) * (width - left - 20);
  const panels = results.map((result, index) => panel(result, index, x));
  const height = top + results.length * rowHeight + 20;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="20" font-size="14">Token requests per second (logarithmic); grey: the authority is down</text>`,
    ...panels,
    "</svg>",
    "",
  ].join("\n");
}

function panel(result: FleetResult, index: number, x: (ms: number) => number): string {
  const base = top + (index + 1) * rowHeight - 30;
  const y = (count: number) => base - (Math.log10(1 + count) / Math.log10(2_001)) * (rowHeight - 55);
  const seconds = new Map<number, number>();
  for (const { at } of result.requests) {
    const second = Math.floor(at / 1000);
    if (second >= 0) seconds.set(second, (seconds.get(second) ?? 0) + 1);
  }
  const bars = [...seconds].map(([second, count]) => {
    const [from, upTo] = [x(second * 1000), x(second * 1000 + 1000)];
    return `<rect x="${from.toFixed(1)}" y="${y(count).toFixed(1)}" width="${(upTo - from).toFixed(1)}" height="${(base - y(count)).toFixed(1)}" fill="${colours[index % colours.length]}"/>`;
  });
  const ticks = [1, 10, 100, 1000].map(
    (count) => `<text x="${left - 6}" y="${(y(count) + 4).toFixed(1)}" text-anchor="end" fill="#777">${count}</text>`,
  );
  return [
    `<rect x="${x(result.downAt).toFixed(1)}" y="${base - rowHeight + 55}" width="${(x(result.upAt) - x(result.downAt)).toFixed(1)}" height="${rowHeight - 55}" fill="#ddd"/>`,
    `<text x="${left}" y="${base - rowHeight + 48}" font-weight="bold">${figures(result).name}</text>`,
    ...ticks,
    `<line x1="${left}" x2="${width - 20}" y1="${base}" y2="${base}" stroke="#999"/>`,
    ...bars,
  ].join("\n");
}
