import { statSync } from "node:fs";

/** A name, and the file that it stood for. */
interface Held {
  readonly name: string;
  readonly identity: string | undefined;
}

/**
 * The files that a store holds open. Whoever removes or replaces one of them takes it from this process without an error:
 * another server gets a lock of its own, and what is written here is in a file that nobody finds again.
 */
export class HeldFiles {
  readonly #held: readonly Held[];

  constructor(names: readonly string[]) {
    this.#held = names.map((name) => ({ name, identity: identityOf(name) }));
  }

  /** The first name that no longer stands for its file. */
  lost(): string | undefined {
    return this.#held.find(({ name, identity }) => identityOf(name) !== identity)?.name;
  }
}

function identityOf(name: string): string | undefined {
  const status = statSync(name, { bigint: true, throwIfNoEntry: false });
  return status && `${status.dev}:${status.ino}`;
}
