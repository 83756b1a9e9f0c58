import { systemClock, systemRandom } from "@countersign/protocol";
import { runCli } from "./cli.ts";
import { exitNow } from "./exit-now.ts";
import { hear, refuseDebugger } from "./signals.ts";

refuseDebugger();

const { argv, env, stdin, stdout, stderr } = process;

// A reader such as `head` that has seen enough closes the pipe: that ends the command, and is no failure.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

// A log whose reader went away must not end the server that writes it.
stderr.on("error", () => {});

const code = await runCli(argv.slice(2), {
  env,
  stdin,
  stdout,
  stderr,
  clock: systemClock,
  random: systemRandom,
  onSignal: hear,
  parent: () => process.ppid,
  exit: exitNow,
});
process.exitCode = code;

/** A server ends even when nobody reads its output. */
const LAST_WORDS_MS = 1000;
if (argv[2] === "serve") setTimeout(() => exitNow(code), LAST_WORDS_MS).unref();
