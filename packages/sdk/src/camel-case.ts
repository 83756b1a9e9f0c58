type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

/** A message with its members as TypeScript writes them. */
export type CamelCased<Value> = Value extends readonly (infer Item)[]
  ? readonly CamelCased<Item>[]
  : Value extends object
    ? { readonly [Name in keyof Value as Camel<Name & string>]: CamelCased<Value[Name]> }
    : Value;

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function rename(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rename);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [camel(name), rename(member)]));
}

/** Renames the members of a message: `response_msg` becomes `responseMsg`. */
export function camelCased<Value>(value: Value): CamelCased<Value> {
  // What rename does to the names at run time, CamelCased does to them in the type.
  return rename(value) as CamelCased<Value>;
}
