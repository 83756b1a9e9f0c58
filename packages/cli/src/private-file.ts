import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CliFailure, reasonOf } from "./failure.ts";

const drafts = { count: 0 };

/**
 * Writes a file that is this user's alone, in the place of the one before, whole or not at all; its folder is made.
 *
 * @param what What the file is, for the refusal: "the session".
 * @throws {CliFailure} when it cannot be written.
 */
export async function writePrivateFile(path: string, text: string, what: string): Promise<void> {
  drafts.count += 1;
  const draft = `${path}.${process.pid}.${drafts.count}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rm(draft, { force: true });
    const file = await open(draft, "wx", 0o600);
    await file.writeFile(text).finally(() => file.close());
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw new CliFailure(`cannot write ${what} to: ${path}`, { hints: [reasonOf(error)] });
  }
}

/** Reads a text file. @throws {CliFailure} when it cannot be read */
export async function readTextFile(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new CliFailure(`cannot read ${what}: ${path}`, { hints: [reasonOf(error)] });
  }
}

/** Reads a text file; `undefined` when there is none. @throws {CliFailure} when it cannot be read */
export async function textFileAt(path: string, what: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new CliFailure(`cannot read ${what}: ${path}`, { hints: [reasonOf(error)] });
  }
}
