import { LocalTokens } from "@countersign/sdk";
import { publicKeyOf } from "../../capability/connect.ts";
import { type DrawnToken, lineageOf, treeLines } from "../../capability/lineage.ts";
import { publicKeyOptions, serverOptions, tokenOptions, verbose } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { type Server, serverOf } from "../../capability/server.ts";
import { standingOf } from "../../capability/spans.ts";
import { savedToken, tokenNames, tokenOf } from "../../capability/tokens.ts";
import type { Command } from "../../command.ts";
import { legible } from "../../printer.ts";
import type { World } from "../../world.ts";
import { blockLines, contentOf } from "./content.ts";

/** The saved tokens that can be read. */
async function savedTokens(world: World, server: Server, tokens: LocalTokens): Promise<readonly DrawnToken[]> {
  const names = await tokenNames(world, server);
  const read = names.map(async (name): Promise<readonly DrawnToken[]> => {
    try {
      return [{ name, inspection: await tokens.inspectToken((await savedToken(world, server, name)) ?? "") }];
    } catch {
      return [];
    }
  });
  return (await Promise.all(read)).flat();
}

/** Those of one server, where one is known: a file with a token and a key need none. */
async function relatives(
  world: World,
  server: () => Promise<Server>,
  tokens: LocalTokens,
): Promise<readonly DrawnToken[]> {
  try {
    return await savedTokens(world, await server(), tokens);
  } catch {
    return [];
  }
}

/** Says what a token says, and draws it with the saved tokens of the same origin. */
export const inspect: Command = {
  name: "identity inspect",
  summary: "Say what a token says, and draw it with the saved tokens that were made of it",
  options: { ...tokenOptions, verbose, ...serverOptions, ...publicKeyOptions },
  examples: ["countersign identity inspect --token-name agent", "countersign identity inspect --token-file - --json"],
  run: (run) =>
    telling(run, {}, async () => {
      const { given, world, print } = run;
      const server = () => serverOf(run);
      const { token, source } = await tokenOf(run, server);
      const tokens = new LocalTokens({ publicKey: await publicKeyOf(run, server), clock: world.clock });
      const inspection = await tokens.inspectToken(token);
      const [origin] = inspection.revocationIds;
      const near = (await relatives(world, server, tokens)).filter((one) => one.inspection.revocationIds[0] === origin);
      const tree = lineageOf([{ inspection }, ...near]);
      const now = world.clock.now();
      const standing = standingOf(inspection.expiresAt, now);
      const identity = inspection.kind === "identity" ? inspection.identity : (tree[0]?.name ?? "unknown");
      const more = given.flag("verbose") ? { content: contentOf(inspection) } : {};
      print.data({ source, identity, ...standing, tree, ...more }, () => [
        `${legible(identity)}: ${standing.status}, ${standing.expires_in_human} (${source})`,
        "",
        ...treeLines(tree, now).map(legible),
        ...(given.flag("verbose") ? ["", ...blockLines(inspection)] : []),
      ]);
    }),
};
