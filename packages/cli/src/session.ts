import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readPrivateFile } from "@countersign/authority";
import { CliFailure } from "./failure.ts";
import { textIn } from "./json-members.ts";
import { writePrivateFile } from "./private-file.ts";
import type { World } from "./world.ts";

/** What `countersign login` keeps: one access token, for as long as it lives. */
export interface Session {
  readonly url: string;
  readonly username: string;
  readonly accessToken: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * The session with an authority, while it lives. A file that others of this machine can read is not trusted: it is as if it
 * were not there.
 */
export async function readSession(world: World, url: string): Promise<Session | undefined> {
  const path = pathOf(world.env, url);
  if (path === undefined) return undefined;
  const session = await readFileAt(path);
  const { COUNTERSIGN_USERNAME: username = session?.username } = world.env;
  const isMeant = session?.url === url && session.username === username;
  return isMeant && session.expiresAt > world.clock.now() ? session : undefined;
}

/**
 * Keeps a session in a file that is this user's alone, in the place of the one before.
 *
 * @returns the path of the file.
 * @throws {CliFailure} when there is no place for it, or it cannot be written.
 */
export async function keepSession(world: World, session: Session): Promise<string> {
  const path = pathOf(world.env, session.url);
  if (path === undefined) throw new CliFailure("no place to keep a session", { hints: ["set HOME or XDG_STATE_HOME"] });
  await writePrivateFile(path, `${JSON.stringify(session)}\n`, "the session");
  return path;
}

/** Removes a session, if there is one. */
export async function forgetSession(world: World, url: string): Promise<void> {
  const path = pathOf(world.env, url);
  if (path !== undefined) await rm(path, { force: true });
}

/** A file for each authority, so that two logins at once do not lose each other. */
function pathOf(env: World["env"], url: string): string | undefined {
  const { XDG_STATE_HOME, LOCALAPPDATA, HOME } = env;
  const state = XDG_STATE_HOME || LOCALAPPDATA || (HOME ? join(HOME, ".local/state") : undefined);
  const name = createHash("sha256").update(url).digest("hex").slice(0, 16);
  return state === undefined ? undefined : join(state, "countersign", `session-${name}.json`);
}

/** More than any session takes. */
const MAX_BYTES = 65_536;

async function readFileAt(path: string): Promise<Session | undefined> {
  try {
    const bytes = await readPrivateFile({ path, holds: "session", maxBytes: MAX_BYTES });
    return bytes && sessionOf(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

function sessionOf(value: unknown): Session | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const kept = { ...value } as Readonly<Record<string, unknown>>;
  const [url, username, accessToken] = ["url", "username", "accessToken"].map((name) => textIn(kept, name));
  const { expiresAt } = kept;
  if (url === undefined || username === undefined || accessToken === undefined) return undefined;
  return typeof expiresAt === "number" ? { url, username, accessToken, expiresAt } : undefined;
}
