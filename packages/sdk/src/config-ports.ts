import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where configuration comes from: nothing else of the environment is read. */
export interface ConfigPorts {
  /** The environment. @default that of this process */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Reads a text file. @default the file system */
  readonly readFile?: (path: string) => Promise<string>;
  /**
   * The folder of the user's configuration. @default `$XDG_CONFIG_HOME` or `~/.config`; on macOS
   * `~/Library/Application Support`, on Windows `%APPDATA%`
   */
  readonly configFolder?: string;
}

/** The folder in which programs keep the configuration of a user. */
function userFolder(env: Readonly<Record<string, string | undefined>>): string {
  const home = homedir();
  if (process.platform === "darwin") return join(home, "Library", "Application Support");
  if (process.platform === "win32") return env.APPDATA ?? join(home, "AppData", "Roaming");
  return env.XDG_CONFIG_HOME || join(home, ".config");
}

/** Ports with their defaults, those of this process. */
export function withDefaults(ports: ConfigPorts): Required<ConfigPorts> {
  const { env = process.env, readFile: read = readText } = ports;
  return { env, readFile: read, configFolder: ports.configFolder ?? userFolder(env) };
}

/** Reads a text file of the file system. */
function readText(path: string): Promise<string> {
  return readFile(path, "utf8");
}
