import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "../command.ts";
import { CliFailure, usageFailure } from "../failure.ts";
import { readTextFile, textFileAt, writePrivateFile } from "../private-file.ts";
import { readAll } from "../prompt.ts";
import type { World } from "../world.ts";
import { serverFolder } from "./home.ts";
import type { Server } from "./server.ts";

/** Names of tokens are names of files: no path, and not hidden. */
const NAME = /^[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,99}$/;
const SUFFIX = ".token";

type Named = Pick<Server, "name" | "shown">;

/** Where a token is kept. @throws {CliFailure} for a name that is none */
function tokenPath(world: Pick<World, "env">, server: Named, name: string): string {
  if (!NAME.test(name)) {
    throw usageFailure(`not a name of a token: ${name}`, "use letters, digits and . _ @ + -, not beginning with a dot");
  }
  return join(serverFolder(world, server.name), "tokens", `${name}${SUFFIX}`);
}

/** Saves a token for this user alone. @returns the path of the file */
export async function saveToken(
  world: Pick<World, "env">,
  server: Named,
  name: string,
  token: string,
): Promise<string> {
  const path = tokenPath(world, server, name);
  await writePrivateFile(path, token, "the token");
  return path;
}

/** A saved token; `undefined` when there is none of that name. White space around it is no part of it. */
export async function savedToken(world: Pick<World, "env">, server: Named, name: string): Promise<string | undefined> {
  return (await textFileAt(tokenPath(world, server, name), "the token"))?.trim();
}

/** The names of the saved tokens. */
export async function tokenNames(world: Pick<World, "env">, server: Named): Promise<readonly string[]> {
  const files = await readdir(join(serverFolder(world, server.name), "tokens")).catch(() => []);
  const names = files.flatMap((file) => (file.endsWith(SUFFIX) ? [file.slice(0, -SUFFIX.length)] : []));
  return names.filter((name) => NAME.test(name)).sort();
}

/** Deletes a saved token. @returns whether there was one */
export async function deleteToken(world: Pick<World, "env">, server: Named, name: string): Promise<boolean> {
  const path = tokenPath(world, server, name);
  const isThere = (await textFileAt(path, "the token")) !== undefined;
  await rm(path, { force: true });
  return isThere;
}

/** A token that a command was shown, and where it came from. */
export interface ShownToken {
  readonly token: string;
  readonly source: string;
}

/** The token of a file; `-` is stdin. */
export async function tokenIn(world: World, file: string): Promise<ShownToken> {
  const text = file === "-" ? await readAll(world.stdin) : await readTextFile(file, "the token");
  if (text.trim() === "") throw new CliFailure(`no token in: ${file}`);
  return { token: text.trim(), source: "token file" };
}

/**
 * The token that a command was given by name or file.
 *
 * @throws {CliFailure} when there is none.
 */
export async function tokenOf(
  { given, world }: Pick<Run, "given" | "world">,
  server: () => Promise<Named>,
  nameOption = "token-name",
): Promise<ShownToken> {
  const file = given.text("token-file");
  const named = given.text(nameOption);
  if (file !== undefined && named !== undefined) throw usageFailure(`give --${nameOption} or --token-file, not both`);
  if (file !== undefined) return tokenIn(world, file);
  const name = named ?? "default";
  const at = await server();
  const token = await savedToken(world, at, name);
  if (token !== undefined && token !== "") return { token, source: `saved token '${name}'` };
  throw new CliFailure(`no token of the name ${name} for ${at.shown}`, {
    hints: ["countersign identity list names the saved ones; identity authenticate gets one"],
  });
}
