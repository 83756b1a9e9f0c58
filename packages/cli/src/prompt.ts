import { createInterface } from "node:readline";
import { randomSecret } from "@countersign/protocol";
import type { Option, Run } from "./command.ts";
import { CliFailure, usageFailure } from "./failure.ts";
import type { Input, World } from "./world.ts";

const enter = new Set(["\r", "\n", "\u0004"]);
const erase = new Set(["\u007f", "\b"]);
const INTERRUPT = "\u0003";

/** Asks on the terminal, without echo. `undefined` where there is no terminal. */
export async function askSecret(
  { stdin, stderr }: Pick<World, "stdin" | "stderr">,
  question: string,
): Promise<string | undefined> {
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) return undefined;
  stderr.write(question);
  stdin.setRawMode(true);
  try {
    return await readKeys(stdin);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}

function readKeys(stdin: Input): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed: string[] = [];
    const onData = (chunk: Buffer | string) => {
      for (const key of chunk.toString()) {
        if (key === INTERRUPT) return finish(() => reject(new CliFailure("interrupted", { exitCode: 130 })));
        if (enter.has(key)) return finish(() => resolve(typed.join("")));
        typed = erase.has(key) ? typed.slice(0, -1) : [...typed, key];
      }
    };
    const finish = (settle: () => void) => {
      stdin.off("data", onData);
      settle();
    };
    stdin.on("data", onData);
    stdin.resume();
  });
}

/** The options of commands that set a password. */
export const passwordOptions: Readonly<Record<string, Option>> = {
  "password-stdin": { kind: "flag", summary: "Read the password from the first line of stdin" },
  generate: { kind: "flag", summary: "Make a random password and print it" },
};

/** A new password, from where the options say it comes: stdin, the generator, or the terminal, asked twice. */
export async function newPassword({ given, world }: Run): Promise<string> {
  if (given.flag("generate")) return randomSecret(world.random, 24);
  if (given.flag("password-stdin")) return firstLine(world.stdin);
  const password = await askSecret(world, "new password: ");
  if (password === undefined) throw usageFailure("no password", "give --password-stdin or --generate");
  if ((await askSecret(world, "again: ")) !== password) throw new CliFailure("the two passwords differ");
  return password;
}

async function firstLine(stdin: Input): Promise<string> {
  return (await readAll(stdin)).split(/\r?\n/)[0] ?? "";
}

/** All of stdin as text. */
export async function readAll(stdin: Input): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/** Asks for a yes on the terminal; without a terminal nobody says it. */
export async function askYes({ stdin, stderr }: Pick<World, "stdin" | "stderr">, question: string): Promise<boolean> {
  if (stdin.isTTY !== true) return false;
  stderr.write(question);
  for await (const line of createInterface({ input: stdin })) return /^y(es)?$/i.test(line.trim());
  return false;
}
