import { serverOptions } from "../../capability/options.ts";
import { telling } from "../../capability/report.ts";
import { serverOf } from "../../capability/server.ts";
import { deleteToken } from "../../capability/tokens.ts";
import type { Command } from "../../command.ts";

/** Deletes a saved token. */
export const deleteCommand: Command = {
  name: "identity delete",
  summary: "Delete a saved token",
  positionals: [{ name: "token_name", summary: "As identity list names it" }],
  options: serverOptions,
  run: (run) =>
    telling(run, {}, async () => {
      const { given, world, print } = run;
      const name = given.required("token_name");
      const server = await serverOf(run);
      const wasThere = await deleteToken(world, server, name);
      print.data({ success: true, server: server.shown, deleted: name }, () => [
        wasThere ? `deleted ${name} of ${server.shown}` : `there is no ${name} of ${server.shown}`,
      ]);
    }),
};
