import { equalBytes } from "../encoding/bytes.ts";
import { AttestationError, ensure } from "../errors.ts";
import type { Evidence } from "../evidence/appraise.ts";

/** The environment that a program runs in, as far as it gives evidence of itself. */
export interface EvidenceSource {
  /** What it is called in logs and settings. */
  readonly name: string;
  /**
   * Asks for evidence that vouches for 64 bytes; `undefined` where there is none to be had by design.
   *
   * @throws {AttestationError} with `source` when the environment gives none, `stale_evidence` when it is for something else.
   */
  collect(reportData: Uint8Array): Promise<Evidence | undefined>;
}

/** Files and directories, as an environment offers them. */
export interface FileTree {
  /** Reads a whole file. */
  readFile(path: string): Promise<Uint8Array>;
  /** Writes a whole file, in one call. */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Makes a directory. */
  makeDirectory(path: string): Promise<void>;
  /** Removes a directory, whatever the environment shows in it. */
  removeDirectory(path: string): Promise<void>;
}

/** The length of what evidence vouches for. */
const LENGTH = 64;

/** Refuses to ask for evidence of anything but 64 bytes: environments cut and pad in silence. */
export function checkReportData(reportData: Uint8Array): void {
  if (reportData.length !== LENGTH)
    throw new RangeError(`Cannot ask for evidence of ${reportData.length} bytes: 64 are needed`);
}

/** The code of an error of the system, as Node has it. */
export function codeOf(error: unknown): string {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === "string" ? code : error instanceof Error ? error.message : "unknown error";
}

/** Turns an error of the system into one that says what to do. */
export async function orExplain<Result>(
  attempt: Promise<Result>,
  what: string,
  hints: Readonly<Record<string, string>>,
): Promise<Result> {
  try {
    return await attempt;
  } catch (error) {
    if (error instanceof AttestationError) throw error;
    const code = codeOf(error);
    const hint = Object.hasOwn(hints, code) ? `: ${hints[code]}` : "";
    throw new AttestationError("source", `Cannot ${what} (${code})${hint}`);
  }
}

/** Refuses evidence for something else than was asked for: other processes, and other requests, share the interface. */
export function ensureFresh(found: Uint8Array, wanted: Uint8Array, what: string): void {
  ensure(
    equalBytes(found, wanted),
    "stale_evidence",
    `Cannot use the evidence of ${what}: it is for something else than was asked`,
  );
}

/** Runs one at a time. */
export function createMutex(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}

/** No environment: keys are published without evidence. */
export const noEvidence: EvidenceSource = { name: "none", collect: async () => undefined };
