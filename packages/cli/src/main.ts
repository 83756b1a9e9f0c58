import { systemClock, systemRandom } from "@countersign/protocol";
import { runCli } from "./cli.ts";
import type { Signal } from "./world.ts";

const { argv, env, stdin, stdout, stderr } = process;
const onSignal = (signal: Signal, listener: () => void) => process.on(signal, listener);
const exit = (code: number): never => process.exit(code);

// A reader such as `head` that has seen enough closes the pipe: that ends the command, and is no failure.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") exit(0);
  throw error;
});

// A log whose reader went away must not end the server that writes it.
stderr.on("error", () => {});

process.exitCode = await runCli(argv.slice(2), {
  env,
  stdin,
  stdout,
  stderr,
  clock: systemClock,
  random: systemRandom,
  onSignal,
  parent: () => process.ppid,
  exit,
});
