import type { Draft, Page } from "./store.ts";

/** The longest partition key of DynamoDB, so that whatever one engine takes, all take. */
const longestKey = 2048;
const longestValue = 256 * 1024;
const longestPage = 1000;

/** Refuses a key that an engine could not hold, or would take for another: empty, overlong, or with lone surrogates. */
export function checkKey(key: string): void {
  if (key.length === 0) throw new RangeError("Cannot use an empty key");
  if (isOverlong(key)) {
    throw new RangeError(`Cannot use a key of more than ${longestKey} bytes: ${Buffer.byteLength(key)}`);
  }
  if (!key.isWellFormed()) throw new TypeError("Cannot use a key with lone surrogates");
}

/** Whether an item can be at this key. A name from outside may be of any length; what cannot be there is not there. */
export function isKey(key: string): boolean {
  return key.length > 0 && !isOverlong(key) && key.isWellFormed();
}

function isOverlong(key: string): boolean {
  return key.length * 3 > longestKey && Buffer.byteLength(key) > longestKey;
}

/** Checks a draft and turns its value into JSON text. */
export function serialise(draft: Draft): string {
  if (draft.owner !== undefined) checkKey(draft.owner);
  if (draft.expiresAt !== undefined && !Number.isFinite(draft.expiresAt)) {
    throw new RangeError(`Cannot expire at ${draft.expiresAt}`);
  }
  const text: string | undefined = JSON.stringify(draft.value);
  if (text === undefined) throw new TypeError("Cannot store a value that JSON does not know");
  if (text.length > longestValue) {
    throw new RangeError(`Cannot store a value of more than ${longestValue} characters: ${text.length}`);
  }
  return text;
}

/** Refuses a page that is empty, fractional or larger than an engine reads at once. */
export function checkPage(page: Page): void {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > longestPage) {
    throw new RangeError(`Cannot list a page of ${page.limit} items, only of 1 to ${longestPage}`);
  }
}
