import { parseServerAddress } from "@countersign/sdk";
import type { Run } from "../command.ts";
import { CliFailure, usageFailure } from "../failure.ts";
import { readConfig, readServer, type SavedServer, serverNames } from "./home.ts";
import { fromEnvironment, settingOf } from "./options.ts";

/** The authority that a command is about. */
export interface Server {
  /** How its folder is called: the host, and the port where it was written beside it. */
  readonly name: string;
  /** As people write it. */
  readonly shown: string;
  readonly host: string;
  readonly port: number;
  readonly saved: SavedServer | undefined;
}

async function defaultServer(run: Pick<Run, "world">): Promise<string> {
  const { default_server } = await readConfig(run.world);
  if (default_server !== undefined) return default_server;
  const names = await serverNames(run.world);
  const [only] = names;
  if (only !== undefined && names.length === 1) return (await readServer(run.world, only))?.hostname ?? only;
  throw new CliFailure(
    names.length === 0 ? "no server is known" : `no default server is set; known are ${names.join(", ")}`,
    { hints: ["name one with --server HOST:PORT; countersign identity authenticate keeps it as the default"] },
  );
}

function portIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 1 && port <= 65_535) return port;
  throw usageFailure(`--port must be a number from 1 to 65535: ${text}`);
}

/** A name of a folder that holds nothing but one: no path, no way up. */
function folderName(host: string, port: number | undefined): string {
  const name = [host.toLowerCase().replaceAll(":", "_"), ...(port === undefined ? [] : [port])].join("_");
  if (/^\.+$/.test(host)) throw usageFailure(`not a host: ${host}`);
  return name;
}

/**
 * The server that a command was given, or the default one. Its port is that of the option, of the address, of the
 * environment, the one that is kept, or 443.
 *
 * @throws {CliFailure} when none is given and none is known, or what is given is no address.
 */
export async function serverOf(run: Pick<Run, "given" | "world">): Promise<Server> {
  return serverNamed(settingOf(run, "server") ?? (await defaultServer(run)), run);
}

/** The server of an address, with the port that a command was given. */
export async function serverNamed(text: string, run: Pick<Run, "given" | "world">): Promise<Server> {
  const { host, port: written } = parseServerAddress(text);
  const name = folderName(host, written);
  const saved = await readServer(run.world, name);
  const asked = portIn(run.given.text("port")) ?? written ?? portIn(fromEnvironment(run, "port"));
  const shown = written === undefined ? host : `${host.includes(":") ? `[${host}]` : host}:${written}`;
  return { name, shown, host, port: asked ?? saved?.port ?? 443, saved };
}
