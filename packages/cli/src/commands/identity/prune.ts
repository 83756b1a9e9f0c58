import { LocalTokens } from "@countersign/sdk";
import { publicKeyOf } from "../../capability/connect.ts";
import { publicKeyOptions, serverOptions } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { type Server, serverOf } from "../../capability/server.ts";
import { standingOf } from "../../capability/spans.ts";
import { deleteToken, savedToken, tokenNames } from "../../capability/tokens.ts";
import type { Command, Run } from "../../command.ts";
import { askYes } from "../../prompt.ts";

interface Found {
  readonly names: readonly string[];
  readonly expired: readonly string[];
  readonly errors: readonly string[];
}

async function look({ world }: Run, server: Server, tokens: LocalTokens): Promise<Found> {
  const names = await tokenNames(world, server);
  const expired: string[] = [];
  const errors: string[] = [];
  for (const name of names) {
    try {
      const { expiresAt } = await tokens.inspectToken((await savedToken(world, server, name)) ?? "");
      if (standingOf(expiresAt, world.clock.now()).status === "expired") expired.push(name);
    } catch {
      errors.push(name);
    }
  }
  return { names, expired, errors };
}

/** What machines and people are told when nothing is removed. */
function tell({ print }: Run, { names, expired, errors }: Found, more: object, line: string): void {
  const said = errors.length === 0 ? {} : { errors: errors.map((name) => `${name}: cannot be verified`) };
  print.data({ checked: names.length, expired: expired.length, removed: 0, ...more, ...said }, () => [line]);
}

/** Removes the saved tokens that have expired. */
export const prune: Command = {
  name: "identity prune",
  summary: "Remove the saved tokens that have expired",
  options: {
    "dry-run": { kind: "flag", summary: "Only say which" },
    force: { kind: "flag", short: "f", summary: "Do not ask" },
    ...serverOptions,
    ...publicKeyOptions,
  },
  run: (run) =>
    telling(run, {}, async () => {
      const { given, world, print } = run;
      const server = await serverOf(run);
      const tokens = new LocalTokens({ publicKey: await publicKeyOf(run, async () => server), clock: world.clock });
      const found = await look(run, server, tokens);
      const { names, expired, errors } = found;
      if (names.length === 0) return tell(run, found, { message: "No tokens found" }, "no tokens found");
      if (expired.length === 0) return tell(run, found, { message: "No expired tokens found" }, "no token has expired");
      if (given.flag("dry-run")) {
        return tell(run, found, { would_remove: expired, dry_run: true }, `would remove ${expired.join(", ")}`);
      }
      const question = `remove ${expired.join(", ")}? [y/N] `;
      const isWanted = given.flag("force") || (!print.json && (await askYes(world, question)));
      if (!isWanted) return tell(run, found, { cancelled: true }, "nothing removed: give --force, or say yes");
      for (const name of expired) await deleteToken(world, server, name);
      const said = errors.length === 0 ? {} : { errors: errors.map((name) => `${name}: cannot be verified`) };
      const counts = { checked: names.length, expired: expired.length, removed: expired.length };
      print.data({ ...counts, success: true, ...said }, () => [`removed ${expired.join(", ")}`]);
    }),
};
