import type { Command } from "../command.ts";
import { requireStore } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import { openAuthority } from "../open-authority.ts";
import { newPassword, passwordOptions } from "../prompt.ts";
import { loadSettings } from "../settings.ts";
import { flagSettings, placeOptions } from "../settings-flags.ts";

/** For the one who lost the administrator's password: works on the data directory, where nobody else is asked. */
export const resetPassword: Command = {
  name: "user reset-password",
  summary: "Set a password in the data directory while no server runs: for a lost administrator's password",
  positionals: [{ name: "username", summary: "admin by default", required: false }],
  options: { ...placeOptions, ...passwordOptions },
  examples: ["countersign user reset-password admin --generate --data ./data"],
  async run(run) {
    const { given, world, print } = run;
    const { settings } = loadSettings({ ...flagSettings(given), env: world.env });
    requireStore(settings);
    const username = given.text("username") ?? "admin";
    const password = await newPassword(run);
    const authority = await openAuthority({ settings, issuer: settings.issuer ?? "http://localhost" }, world);
    let disabled = false;
    try {
      const { users, limits } = authority.services;
      const user = await users.byUsername(username);
      if (user === undefined) {
        throw new CliFailure(`no such user: ${username}`, {
          hints: ["give the name to log in with; the first user is admin"],
        });
      }
      ({ disabled } = user);
      await users.setPassword(user.userId, password, "reset-password");
      await limits.clearLogin(users.normalise(username));
    } finally {
      await authority.close();
    }
    if (disabled) print.note(`${username} is disabled and cannot log in: countersign admin recover brings admin back`);
    const made = given.flag("generate") ? { username, password } : {};
    print.done({ changed: username, ...made }, `changed ${username}`);
    if (given.flag("generate") && !print.json) print.text(`password: ${password}\n`);
  },
};
