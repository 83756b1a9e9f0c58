/** A value as strict JSON gives it. Objects have no prototype: only the members that were sent can be read. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** An object as strict JSON gives it. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}
