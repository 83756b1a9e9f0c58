import type { PublicKey } from "@countersign/biscuit";
import { LocalTokens } from "@countersign/sdk";
import { knownPublicKey } from "../../capability/connect.ts";
import { publicKeyOptions, serverOptions } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { type Server, serverOf } from "../../capability/server.ts";
import { type Standing, standingOf } from "../../capability/spans.ts";
import { savedToken, tokenNames } from "../../capability/tokens.ts";
import type { Command } from "../../command.ts";
import type { World } from "../../world.ts";

type Row =
  | ({ readonly name: string; readonly identity: string } & Standing)
  | { readonly name: string; readonly error: string };

async function rowOf(name: string, server: Server, key: PublicKey | undefined, world: World): Promise<Row> {
  if (key === undefined) return { name, error: "No public key available" };
  const token = await savedToken(world, server, name);
  try {
    const inspection = await new LocalTokens({ publicKey: key, clock: world.clock }).inspectToken(token ?? "");
    const identity = inspection.kind === "identity" ? inspection.identity : inspection.kind;
    return { name, identity, ...standingOf(inspection.expiresAt, world.clock.now()) };
  } catch {
    return { name, error: "Invalid or corrupted token" };
  }
}

const cell = (row: Row, read: (row: Extract<Row, { identity: string }>) => string): string =>
  "error" in row ? "" : read(row);

/** Lists the saved tokens. */
export const list: Command = {
  name: "identity list",
  summary: "List the saved tokens",
  options: {
    details: { kind: "flag", summary: "Say whom each is for, and until when" },
    ...serverOptions,
    ...publicKeyOptions,
  },
  run: (run) =>
    telling(run, {}, async () => {
      const { given, world, print } = run;
      const server = await serverOf(run);
      const names = await tokenNames(world, server);
      if (!given.flag("details")) return print.data({ tokens: names, count: names.length }, () => names);
      const key = await knownPublicKey(run, async () => server);
      const rows = await Promise.all(names.map((name) => rowOf(name, server, key, world)));
      print.table(
        rows,
        {
          NAME: ({ name }) => name,
          IDENTITY: (row) => cell(row, ({ identity }) => identity),
          STATUS: (row) => ("error" in row ? row.error : row.status),
          EXPIRES: (row) => cell(row, ({ expires_in_human }) => expires_in_human),
        },
        { tokens: rows, count: rows.length },
      );
    }),
};
