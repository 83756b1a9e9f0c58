import { CountersignError } from "@countersign/protocol";
import type { Place } from "./stream-reader.ts";

/** How far each stream was read: the position of its last record that was looked at. */
export type Positions = ReadonlyMap<string, string>;

const ID_SHAPE = /^([0-9a-z]{9})\.(\w{1,16})\.([0-9a-z~_-]{1,64})$/i;
const POSITION_SHAPE = /^[0-9a-z#_-]{0,64}$/i;

/** The id of a record says where it stands, so that it says where to go on. */
export function idOf({ order, streamId, position }: Place): string {
  return `${Math.max(0, Math.trunc(order)).toString(36).padStart(9, "0")}.${streamId}.${position.replaceAll("#", "~")}`;
}

/** @throws {CountersignError} `invalid_request` when it is no id. */
export function placeOf(id: string): Place {
  const [, order = "", streamId, position] = ID_SHAPE.exec(id) ?? [];
  if (streamId === undefined || position === undefined) throw refuse("before is not the id of an audit record");
  return { order: Number.parseInt(order, 36), streamId, position: position.replaceAll("~", "#") };
}

/** The text of a cursor: opaque to its holder. */
export function printCursor(positions: Positions): string {
  return Buffer.from(JSON.stringify(Object.fromEntries(positions))).toString("base64url");
}

/** @throws {CountersignError} `invalid_request` when it is no cursor. */
export function parseCursor(text: string): Positions {
  const found = new Map<string, string>();
  for (const [streamId, position] of Object.entries(membersOf(text))) {
    if (typeof position !== "string" || !POSITION_SHAPE.test(position)) throw refuse(NO_CURSOR);
    found.set(streamId, position);
  }
  return found;
}

const NO_CURSOR = "after is not a cursor of the audit trail";

function membersOf(text: string): object {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    if (typeof value === "object" && value !== null) return value;
  } catch {}
  throw refuse(NO_CURSOR);
}

function refuse(hint: string): CountersignError {
  return new CountersignError("invalid_request", { hint });
}
