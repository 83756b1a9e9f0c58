/** The members of an object that are there, the others left out: what may be `undefined` is optional. */
export type Defined<Members> = {
  readonly [Name in keyof Members as undefined extends Members[Name] ? never : Name]: Members[Name];
} & {
  readonly [Name in keyof Members as undefined extends Members[Name] ? Name : never]?: Exclude<
    Members[Name],
    undefined
  >;
};

/**
 * Leaves out the members that are `undefined`: for objects whose optional members are absent or have a value.
 *
 * @example
 * ```ts
 * import { defined } from "@countersign/protocol";
 * JSON.stringify(Object.keys({ id: 1, ...defined({ name: undefined, scope: "read" }) })); // '["id","scope"]'
 * ```
 */
export function defined<Members extends object>(members: Members): Defined<Members> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<Members>;
}
