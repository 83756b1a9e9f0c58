import { UsageError } from "./errors.ts";

/** The kind of a value, without the value: it can be a key or a token. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value !== "object") return typeof value === "string" ? "text" : `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === "string" && name !== "" && name !== "Object" ? `a ${name}` : "an object";
}

const isPromise = (value: unknown): boolean => value instanceof Promise;

/**
 * The error for an argument of another kind than a call takes.
 *
 * @param call The name of the call.
 * @param wanted What it takes, as the end of a sentence.
 */
export function wrongArgument(call: string, wanted: string, value: unknown): UsageError {
  if (isPromise(value)) {
    return new UsageError("not_awaited", `Cannot use a promise in ${call}: await it, and pass what it gives`);
  }
  return new UsageError("wrong_argument", `Cannot use ${kindOf(value)} in ${call}: it takes ${wanted}`);
}

/** Refuses what is no text. @throws {UsageError} */
export function assertText(call: string, wanted: string, value: unknown): asserts value is string {
  if (typeof value !== "string") throw wrongArgument(call, wanted, value);
}

/** Refuses what is no bytes. @throws {UsageError} */
export function assertBytes(call: string, wanted: string, value: unknown): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) throw wrongArgument(call, wanted, value);
}
