import { Worker, type WorkerOptions } from "node:worker_threads";

/** A batch is garbage once its results are sent: a large young generation would only hold memory. */
const resourceLimits = { maxYoungGenerationSizeMb: 1 };

/**
 * Starts a thread that runs the same code as the thread that starts it: sources where these are sources, and packages by
 * the same export conditions.
 *
 * @param file The module without its ending, as a URL: sources end in `.ts`, a build has `.js` beside the file that asks.
 */
export function startThread(file: URL, options: Pick<WorkerOptions, "workerData"> = {}): Worker {
  const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  return new Worker(new URL(file.href + ending), {
    ...options,
    execArgv: conditionsOf(process.execArgv),
    resourceLimits,
  });
}

/** Of a process' flags the export conditions alone: with `--input-type`, say, a thread cannot start. */
export function conditionsOf(flags: readonly string[]): string[] {
  return flags.flatMap((flag, index) => {
    if (flag === "-C" || flag === "--conditions") return [`--conditions=${flags[index + 1]}`];
    return flag.startsWith("--conditions=") ? [flag] : [];
  });
}
