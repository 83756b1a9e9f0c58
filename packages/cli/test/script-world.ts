import { Readable } from "node:stream";
import { systemClock, systemRandom } from "@countersign/protocol";
import { runCli } from "../src/cli.ts";
import type { Output, World } from "../src/world.ts";

/** One command of a session that runs in this process, with all that it wrote. */
export interface Started {
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly exitCode: Promise<number>;
  /** Sends SIGTERM, as far as the command asked for it. */
  readonly stop: () => void;
  /** Resolves when stdout holds this text, or the command ended without. */
  readonly printed: (text: string) => Promise<boolean>;
}

/** A world without a terminal, where nothing is heard and nobody sends signals. */
export function aWorld(stdin = ""): World {
  return {
    env: {},
    stdin: Readable.from([Buffer.from(stdin)]),
    stdout: { write() {} },
    stderr: { write() {} },
    clock: systemClock,
    random: systemRandom,
    onSignal: () => {},
    parent: () => 1,
    exit: (code) => {
      throw new Error(`exit ${code}`);
    },
  };
}

/** Starts a command line. */
export function start(
  words: readonly string[],
  env: World["env"],
  stdin = "",
  terminal: Partial<Output> = {},
): Started {
  const listeners: (() => void)[] = [];
  const watchers = new Set<() => void>();
  let stdout = "";
  let stderr = "";
  const world: World = {
    ...aWorld(stdin),
    env,
    stdout: {
      ...terminal,
      write(text) {
        stdout += text;
        for (const watch of watchers) watch();
      },
    },
    stderr: {
      write(text) {
        stderr += text;
      },
    },
    onSignal: (_signal, listener) => listeners.push(listener),
  };
  const exitCode = runCli(words, world);
  const printed = (text: string) =>
    new Promise<boolean>((resolve) => {
      const watch = () => {
        if (stdout.includes(text)) resolve(true);
      };
      watchers.add(watch);
      watch();
      void exitCode.then(() => resolve(stdout.includes(text)));
    });
  const stop = () => listeners[0]?.();
  return { stdout: () => stdout, stderr: () => stderr, exitCode, stop, printed };
}

/** Runs a command line to its end. */
export async function run(
  words: readonly string[],
  env: World["env"] = {},
  stdin = "",
  terminal: Partial<Output> = {},
) {
  const started = start(words, env, stdin, terminal);
  const exitCode = await started.exitCode;
  return { exitCode, stdout: started.stdout(), stderr: started.stderr() };
}
