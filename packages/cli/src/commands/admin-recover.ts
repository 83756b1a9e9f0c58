import { recoverAdministrator } from "@countersign/authority";
import type { Command } from "../command.ts";
import { requireStore } from "../data-directory.ts";
import { openAuthority } from "../open-authority.ts";
import { newPassword, passwordOptions } from "../prompt.ts";
import { loadSettings } from "../settings.ts";
import { flagSettings, placeOptions } from "../settings-flags.ts";

/** For those who can log in no more, by whatever was disabled or deleted: works on the data directory. */
export const adminRecover: Command = {
  name: "admin recover",
  summary: "Bring back the administrator and the client loopback in the data directory, while no server runs",
  options: { ...placeOptions, ...passwordOptions },
  examples: ["countersign admin recover --generate --data ./data"],
  async run(run) {
    const { given, world, print } = run;
    const { settings } = loadSettings({ ...flagSettings(given), env: world.env });
    requireStore(settings);
    const password = await newPassword(run);
    const authority = await openAuthority({ settings, issuer: settings.issuer ?? "http://localhost" }, world);
    try {
      const { username, isPolicyRemoved } = await recoverAdministrator(authority.services, password);
      const made = given.flag("generate") ? { username, password } : {};
      const removed = isPolicyRemoved ? `; removed the policy, which refused superuser to ${username}` : "";
      print.done(
        { recovered: username, ...made, ...(isPolicyRemoved ? { policy_removed: true } : {}) },
        `recovered ${username} and the client loopback${removed}`,
      );
      if (given.flag("generate") && !print.json) print.text(`password: ${password}\n`);
    } finally {
      await authority.close();
    }
  },
};
