import { writeFileSync } from "node:fs";
import type { Command } from "../command.ts";
import { configTemplate } from "../config-template.ts";
import { CliFailure } from "../failure.ts";
import { readServing } from "../serving.ts";
import { DEFAULT_CONFIG_PATH } from "../settings.ts";
import { flagSettings, settingOptions } from "../settings-flags.ts";

/** Configuration files. */
export const configCommands: readonly Command[] = [
  {
    name: "init",
    summary: "Write a configuration file with every setting, explained",
    positionals: [{ name: "file", summary: `${DEFAULT_CONFIG_PATH} by default`, required: false }],
    async run({ given, print }) {
      const path = given.text("file") ?? DEFAULT_CONFIG_PATH;
      try {
        writeFileSync(path, configTemplate(), { flag: "wx", mode: 0o644 });
      } catch (error) {
        const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
        throw new CliFailure(`${exists ? "will not overwrite" : "cannot write"}: ${path}`, {
          hints: [exists ? "name another file, or remove this one" : "check that the directory is there and writable"],
        });
      }
      print.done({ wrote: path }, `wrote ${path}`);
    },
  },
  {
    name: "config check",
    summary: "Check file, environment and flags as serve would read them, and the files they name",
    options: settingOptions,
    async run({ given, world, print }) {
      const { settings, path, warnings } = readServing(flagSettings(given), world);
      for (const warning of warnings) print.note(`countersign: warning: ${warning}`);
      print.data(settings, () => [path === undefined ? "no file; the settings are fine" : `${path} is fine`]);
    },
  },
];
