import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** What earlier runs found, in a file, so that a run that was broken off goes on where it was. */
export class Remembered<Value> {
  readonly #file: string;
  readonly #values: Record<string, Value>;

  constructor(file: string, fresh: boolean) {
    this.#file = file;
    this.#values = fresh ? {} : readJson(file);
  }

  get(key: string): Value | undefined {
    return this.#values[key];
  }

  set(key: string, value: Value): void {
    if (this.#values[key] === value) return;
    this.#values[key] = value;
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.#values));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function readJson(file: string) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return {};
  }
}

export function hashOf(...texts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(text).update("\0");
  return hash.digest("base64url").slice(0, 16);
}
