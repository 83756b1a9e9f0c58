import { AttestationError, ensure } from "../errors.ts";
import type { ReasonCode } from "../reasons.ts";

/** A JSON object whose members are not judged yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads the text of a JSON object. */
export function parseObject(text: string, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AttestationError("json", `Cannot read ${what}: not JSON`);
  }
  ensure(isObject(value), "json", `Cannot read ${what}: not a JSON object`);
  return value;
}

/** Takes members out of a JSON object, each of the kind that is expected. */
export class Members {
  readonly #object: JsonObject;
  readonly #what: string;
  readonly #code: ReasonCode;

  constructor(value: unknown, what: string, code: ReasonCode) {
    ensure(isObject(value), code, `Cannot read ${what}: not a JSON object`);
    this.#object = value;
    this.#what = what;
    this.#code = code;
  }

  /** Whether the member is there. */
  has(name: string): boolean {
    return Object.hasOwn(this.#object, name) && this.#object[name] !== undefined;
  }

  #refuse(name: string, kind: string): AttestationError {
    return new AttestationError(this.#code, `Cannot read ${this.#what}: ${name} is not ${kind}`);
  }

  /** Text. */
  text(name: string): string {
    const value = this.has(name) ? this.#object[name] : undefined;
    if (typeof value !== "string") throw this.#refuse(name, "text");
    return value;
  }

  /** An unsigned integer up to a maximum. */
  integer(name: string, maximum = 0xffffffff): number {
    const value = this.has(name) ? this.#object[name] : undefined;
    const isGood = typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= maximum;
    if (!isGood) throw this.#refuse(name, `an integer up to ${maximum}`);
    return value;
  }

  /** A list; an absent one is refused. */
  list(name: string): readonly unknown[] {
    const value = this.has(name) ? this.#object[name] : undefined;
    if (!Array.isArray(value)) throw this.#refuse(name, "a list");
    return value;
  }

  /** A list of texts; none where it is absent. */
  texts(name: string): readonly string[] {
    if (!this.has(name)) return [];
    const list = this.list(name);
    if (!list.every((item) => typeof item === "string")) throw this.#refuse(name, "a list of texts");
    return list;
  }

  /** An object. */
  members(name: string): Members {
    return new Members(this.has(name) ? this.#object[name] : undefined, `${this.#what}, ${name}`, this.#code);
  }

  /** Hexadecimal bytes of a length, in either case: what Intel signs has both. */
  hex(name: string, length: number): Uint8Array {
    const text = this.text(name);
    if (text.length !== 2 * length || /[^0-9a-f]/i.test(text))
      throw this.#refuse(name, `${length} bytes in hexadecimal`);
    return Uint8Array.from({ length }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
  }

  /** An instant, `YYYY-MM-DDThh:mm:ssZ`, in milliseconds since 1970. */
  instant(name: string): number {
    const text = this.text(name);
    const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(at)) throw this.#refuse(name, "an instant like 2025-06-19T10:56:11Z");
    return at;
  }
}
