import { CountersignError } from "../errors.ts";

/** Reads one member of a message, or says why not. */
type Reader<Value> = (value: unknown, path: string) => Value;

/** What a reader gives. */
export type Read<R> = R extends Reader<infer Value> ? Value : never;

type Fields = Readonly<Record<string, Reader<unknown>>>;
type MayLack<F extends Fields> = { [Name in keyof F]: undefined extends Read<F[Name]> ? Name : never }[keyof F];
type Members<F extends Fields> = { readonly [Name in Exclude<keyof F, MayLack<F>>]: Read<F[Name]> } & {
  readonly [Name in MayLack<F>]?: Read<F[Name]>;
};

function malformed(path: string, expected: string): CountersignError {
  return new CountersignError("invalid_request", {
    detail: `Cannot read the message: ${path} is not ${expected}`,
    data: { path, expected },
  });
}

/** A string. */
export const text: Reader<string> = (value, path) => {
  if (typeof value === "string") return value;
  throw malformed(path, "a string");
};

/** A whole number from 0: an unsigned 64-bit integer for those who have one. */
export const count: Reader<number> = (value, path) => {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(path, "a whole number from 0");
};

/** What may be absent, or null, which says the same. */
export function optional<Value>(read: Reader<Value>): Reader<Value | undefined> {
  return (value, path) => (value === undefined || value === null ? undefined : read(value, path));
}

/** An array of one kind. */
export function listOf<Value>(read: Reader<Value>): Reader<readonly Value[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw malformed(path, "an array");
    return value.map((item, index) => read(item, `${path}[${index}]`));
  };
}

/** An object with these members; others are left out. */
export function object<const F extends Fields>(fields: F): Reader<Members<F>> {
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(path, "an object");
    const sent = new Map(Object.entries(value));
    const read = Object.entries(fields).flatMap(([name, reader]) => {
      const member = reader(sent.get(name), path === MESSAGE ? name : `${path}.${name}`);
      return member === undefined ? [] : [[name, member] as const];
    });
    // Each member was read by the reader of its name.
    return Object.fromEntries(read) as Members<F>;
  };
}

/** How a whole message is called where it is none. */
export const MESSAGE = "the message";
