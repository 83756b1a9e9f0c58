import { type CheckedChange, parseFrozen } from "./checks.ts";
import type { Attributes } from "./dynamodb-errors.ts";
import type { Item } from "./store.ts";

/**
 * The attributes of an item. `pk` is the key of the table; `gsi1pk` and `gsi1sk`, owner and key, are there for items with an owner
 * only, which keeps the index sparse. The value is its JSON text: a number of DynamoDB is no number of JSON.
 */
export const attribute = {
  key: "pk",
  owner: "gsi1pk",
  ownedKey: "gsi1sk",
  version: "v",
  value: "d",
  /** Milliseconds, by which expiry is judged. */
  expiresAt: "e",
  /** The same as text, where a number of DynamoDB cannot hold it. */
  exactExpiresAt: "x",
  /** Seconds, by which the service erases an item some day. */
  erasedAt: "ttl",
} as const;

/** The index by owner. */
export const OWNER_INDEX = "GSI1";

/** Clocks of nodes differ, and step back: what has expired by one of them is erased when it has by all. */
const GRACE_SECONDS = 86_400;
/** Numbers of DynamoDB have exponents from -130 to 125. */
const LARGEST = 1e120;
const SMALLEST = 1e-120;

/** An item to be written. */
export function toAttributes({ change: { key, draft }, text }: CheckedChange, version: number): Attributes {
  const { owner, expiresAt } = draft ?? {};
  return {
    [attribute.key]: { S: key },
    [attribute.version]: { N: String(version) },
    [attribute.value]: { S: text ?? "null" },
    ...(owner !== undefined && { [attribute.owner]: { S: owner }, [attribute.ownedKey]: { S: key } }),
    ...(expiresAt !== undefined && expiry(expiresAt)),
  };
}

function expiry(expiresAt: number): Attributes {
  const clamped = clamp(expiresAt);
  const seconds = Math.ceil(clamped / 1000) + GRACE_SECONDS;
  return {
    [attribute.expiresAt]: { N: String(clamped) },
    ...(clamped !== expiresAt && { [attribute.exactExpiresAt]: { S: String(expiresAt) } }),
    ...(Number.isSafeInteger(seconds) && seconds > 0 && { [attribute.erasedAt]: { N: String(seconds) } }),
  };
}

/** An instant as a number that DynamoDB takes, for conditions. */
export function clamp(instant: number): number {
  if (Math.abs(instant) < SMALLEST) return 0;
  return Math.max(-LARGEST, Math.min(LARGEST, instant));
}

/** An item as it was read. */
export function toItem<Value>(attributes: Attributes): Item<Value> {
  const owner = attributes[attribute.owner]?.S;
  const expiresAt = attributes[attribute.exactExpiresAt]?.S ?? attributes[attribute.expiresAt]?.N;
  return {
    key: attributes[attribute.key]?.S ?? "",
    version: versionOf(attributes),
    // The port leaves the shape of a value to whoever wrote it under this key (store/records.ts).
    value: parseFrozen(attributes[attribute.value]?.S ?? "null") as Value,
    ...(owner !== undefined && { owner }),
    ...(expiresAt !== undefined && { expiresAt: Number(expiresAt) }),
  };
}

export function versionOf(attributes: Attributes): number {
  return Number(attributes[attribute.version]?.N ?? 0);
}

/** Whether an item has expired by now. */
export function isExpired(attributes: Attributes, now: number): boolean {
  const expiresAt = attributes[attribute.exactExpiresAt]?.S ?? attributes[attribute.expiresAt]?.N;
  return expiresAt !== undefined && Number(expiresAt) <= now;
}
