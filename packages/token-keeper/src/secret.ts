const inspect = Symbol.for("nodejs.util.inspect.custom");

/**
 * A string that shows itself only to {@link Secret.reveal}: `toString`, `JSON.stringify`, template strings, `console.log`
 * and `util.inspect` print a placeholder.
 *
 * @example
 * ```ts run
 * import { Secret } from "@countersign/token-keeper";
 * const secret = new Secret("s3cr3t", "client secret");
 * console.log(`${secret}`); // [redacted client secret]
 * console.log(secret.reveal()); // s3cr3t
 * ```
 */
export class Secret {
  readonly #value: string;
  readonly #label: string;

  constructor(value: string, label = "secret") {
    this.#value = value;
    this.#label = label;
  }

  /** The value itself: the only way out. */
  reveal(): string {
    return this.#value;
  }

  /** Whether both hold the same value, compared in time that depends on the length only. */
  equals(other: Secret): boolean {
    const [a, b] = [this.#value, other.#value];
    if (a.length !== b.length) return false;
    let difference = 0;
    for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
    return difference === 0;
  }

  toString(): string {
    return `[redacted ${this.#label}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect](): string {
    return this.toString();
  }
}

/** Wraps a plain string; a {@link Secret} passes through. */
export function toSecret(value: string | Secret, label: string): Secret {
  return typeof value === "string" ? new Secret(value, label) : value;
}
