import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run, type Started, start } from "./script-world.ts";

/**
 * A session in the txtar format: commands with what they print, then files.
 *
 * - `$ words` runs countersign; `$ words &` runs it until `$ stop`; `$ NAME=value` sets a variable.
 * - The lines below are its whole stdout; `! line` is a line of stderr, `? 1` the exit code, `< text` its stdin.
 * - `{{name}}` stands for a word, the same wherever the name stands again; `...` for any number of lines.
 */
export async function runScript(text: string): Promise<void> {
  const [session = "", ...files] = text.split(/^-- (.+) --\n/m);
  const directory = await mkdtemp(join(tmpdir(), "countersign-script-"));
  const state: State = { words: new Map([["dir", directory]]), env: {}, background: undefined };
  try {
    for (let at = 0; at < files.length; at += 2) await writeAt(join(directory, files[at] ?? ""), files[at + 1] ?? "");
    for (const step of stepsOf(session)) await perform(step, state);
  } finally {
    await stop(state);
    await rm(directory, { recursive: true });
  }
}

interface State {
  readonly words: Map<string, string>;
  readonly env: Record<string, string>;
  background: Started | undefined;
}

interface Step {
  readonly command: string;
  readonly stdout: string[];
  readonly stderr: string[];
  stdin: string;
  exitCode: number;
}

function stepsOf(session: string): readonly Step[] {
  const steps: Step[] = [];
  for (const line of session.split("\n")) {
    const step = steps.at(-1);
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), stdout: [], stderr: [], stdin: "", exitCode: 0 });
    else if (line.startsWith("#") || step === undefined) continue;
    else if (line.startsWith("! ")) step.stderr.push(line.slice(2));
    else if (line.startsWith("? ")) step.exitCode = Number(line.slice(2));
    else if (line.startsWith("< ")) step.stdin += `${line.slice(2)}\n`;
    else step.stdout.push(line);
  }
  return steps;
}

async function perform(step: Step, state: State): Promise<void> {
  const command = filled(step.command, state.words);
  const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(command) ?? [];
  if (name !== undefined) {
    state.env[name] = value ?? "";
    return;
  }
  if (command === "stop") return stop(state);
  const words = wordsOf(command);
  if (words.at(-1) === "&") return startInBackground(words.slice(0, -1), step, state);
  const result = await run(words, state.env, filled(step.stdin, state.words));
  assertLines(result.stdout, step.stdout, state, `stdout of: ${step.command}\n${result.stderr}`);
  assertLines(result.stderr, step.stderr, state, `stderr of: ${step.command}`);
  assert.equal(result.exitCode, step.exitCode, `exit code of: ${step.command}`);
}

async function startInBackground(words: readonly string[], step: Step, state: State): Promise<void> {
  const started = start(words, state.env);
  state.background = started;
  const last = step.stdout.findLast((line) => line !== "" && line !== "...") ?? "";
  assert.ok(await started.printed(last.split("{{")[0] ?? ""), `${started.stdout()}${started.stderr()}`);
  assertLines(started.stdout(), step.stdout, state, `stdout of: ${step.command}`);
}

async function stop(state: State): Promise<void> {
  const { background } = state;
  state.background = undefined;
  background?.stop();
  assert.equal((await background?.exitCode) ?? 0, 0, background?.stderr() ?? "");
}

function assertLines(actual: string, expected: readonly string[], { words }: State, about: string): void {
  const trimmed = expected.slice(0, expected.findLastIndex((line) => line !== "") + 1);
  const names: string[] = [];
  const pattern = trimmed
    .map((line) => (line === "..." ? "(?:.*\\n)*?" : `${patternOf(line, words, names)}\\n`))
    .join("");
  const found = new RegExp(`^${pattern}$`).exec(actual.replace(/\n+$/, "\n"));
  assert.ok(found, `${about}\nexpected:\n${trimmed.join("\n")}\nactual:\n${actual}`);
  for (const [at, name] of names.entries()) words.set(name, found[at + 1] ?? "");
}

function patternOf(line: string, words: ReadonlyMap<string, string>, names: string[]): string {
  return line
    .split(/(\{\{\w+\}\})/)
    .map((part) => {
      const name = /^\{\{(\w+)\}\}$/.exec(part)?.[1];
      if (name === undefined) return escaped(part);
      const known = words.get(name);
      if (known !== undefined) return escaped(known);
      if (names.includes(name)) return `\\${names.indexOf(name) + 1}`;
      names.push(name);
      return "(\\S+)";
    })
    .join("");
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function filled(text: string, words: ReadonlyMap<string, string>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => words.get(name) ?? whole);
}

/** Words in single quotes stay together. */
function wordsOf(command: string): readonly string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

async function writeAt(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
