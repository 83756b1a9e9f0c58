import type { Command } from "../command.ts";
import { completionScripts } from "../completion-scripts.ts";
import { usageFailure } from "../failure.ts";

/** Made from the table it completes, which is handed in because it holds this row too. */
export function completionCommand(commands: () => readonly Command[]): Command {
  const shells = Object.keys(completionScripts);
  return {
    name: "completion",
    summary: "Print the completions of bash, zsh or fish",
    positionals: [{ name: "shell", summary: shells.join(", ") }],
    examples: ["source <(countersign completion bash)", "countersign completion fish | source"],
    async run({ given, print }) {
      const shell = given.required("shell");
      const script = completionScripts[shell];
      if (script === undefined) throw usageFailure(`no completions for: ${shell}`, `there are ${shells.join(", ")}`);
      const text = script(commands());
      print.data({ shell, script: text }, () => [text.trimEnd()]);
    },
  };
}
