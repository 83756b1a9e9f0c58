import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "smol-toml";
import { CliFailure } from "../failure.ts";
import { textFileAt, writePrivateFile } from "../private-file.ts";
import type { World } from "../world.ts";

/** The settings of the commands for capability tokens, as `config.toml` has them. */
export interface CapabilityConfig {
  readonly default_server?: string;
  readonly default_cert_path?: string;
  readonly default_key_path?: string;
  readonly default_ca_path?: string;
}

/** What is kept about a server, as its `server.toml` has it. */
export interface SavedServer {
  readonly hostname: string;
  readonly port: number;
  readonly cert_path?: string;
  readonly key_path?: string;
}

/** The folder of servers and tokens, laid out like `~/.hessra`. @throws {CliFailure} where there is no home */
export function homeOf({ env }: Pick<World, "env">): string {
  const home = env.HOME || env.USERPROFILE;
  if (!home) throw new CliFailure("no place to keep tokens", { hints: ["set HOME"] });
  return join(home, ".countersign");
}

/** The folder of a server. */
export function serverFolder(world: Pick<World, "env">, name: string): string {
  return join(homeOf(world), "servers", name);
}

type Members = Readonly<Record<string, unknown>>;

async function membersIn(path: string): Promise<Members | undefined> {
  const text = await textFileAt(path, "the settings");
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch {
    throw new CliFailure(`no TOML: ${path}`, { hints: ["mend the file, or remove it"] });
  }
}

/** The members that are text. */
function textsOf<Name extends string>(members: Members, names: readonly Name[]): { readonly [N in Name]?: string } {
  const texts = names.flatMap((name) => (typeof members[name] === "string" ? [[name, members[name]] as const] : []));
  // Each is text under one of these names.
  return Object.fromEntries(texts) as { readonly [N in Name]?: string };
}

const configPath = (world: Pick<World, "env">): string => join(homeOf(world), "config.toml");

/** Reads `config.toml`; empty where there is none. */
export async function readConfig(world: Pick<World, "env">): Promise<CapabilityConfig> {
  const members = (await membersIn(configPath(world))) ?? {};
  return textsOf(members, ["default_server", "default_cert_path", "default_key_path", "default_ca_path"]);
}

/** Sets the default server where none is set; other members of the file stay. */
export async function setDefaultServer(world: Pick<World, "env">, name: string): Promise<void> {
  const members = (await membersIn(configPath(world))) ?? {};
  if (typeof members.default_server === "string") return;
  await writePrivateFile(configPath(world), stringify({ ...members, default_server: name }), "the settings");
}

/** What is kept about a server. */
export async function readServer(world: Pick<World, "env">, name: string): Promise<SavedServer | undefined> {
  const members = await membersIn(join(serverFolder(world, name), "server.toml"));
  if (members === undefined) return undefined;
  const { hostname = name, ...paths } = textsOf(members, ["hostname", "cert_path", "key_path"]);
  const { port } = members;
  return { hostname, port: typeof port === "number" || typeof port === "bigint" ? Number(port) : 443, ...paths };
}

/** Keeps what is known about a server. */
export async function keepServer(world: Pick<World, "env">, name: string, server: SavedServer): Promise<void> {
  const path = join(serverFolder(world, name), "server.toml");
  await writePrivateFile(path, stringify({ ...server }), "the settings of the server");
}

/** The servers that something is kept about. */
export async function serverNames(world: Pick<World, "env">): Promise<readonly string[]> {
  const entries = await readdir(join(homeOf(world), "servers"), { withFileTypes: true }).catch(() => []);
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}
