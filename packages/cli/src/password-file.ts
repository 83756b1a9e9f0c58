import { open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CliFailure, reasonOf } from "./failure.ts";

/**
 * Writes a password to a file of its own, for this user alone. It is durable before this resolves: afterwards nothing
 * else knows the password.
 *
 * @throws {CliFailure} when there is something of that name, a link included, or the file cannot be written.
 */
export async function writePasswordFile(path: string, password: string): Promise<void> {
  const file = await open(path, "wx", 0o600).catch((error: unknown) => {
    throw refusal(path, error);
  });
  try {
    await file.writeFile(`${password}\n`);
    await file.sync();
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(path, { force: true });
    throw refusal(path, error);
  } finally {
    await file.close();
  }
}

/** Not every system opens directories. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r").catch(() => undefined);
  await directory?.sync().catch(() => undefined);
  await directory?.close();
}

function refusal(path: string, error: unknown): CliFailure {
  const isTaken = error instanceof Error && "code" in error && error.code === "EEXIST";
  const hint = isTaken ? "there is a file already: remove it, or name another" : reasonOf(error);
  return new CliFailure(`cannot write the administrator's password to: ${path}`, { hints: [hint] });
}
