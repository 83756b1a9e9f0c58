import type { Change, CommitOptions, Draft, Page } from "./store.ts";

/** The longest sort key of DynamoDB, so that whatever one engine takes, all take, as keys and in the index of owners. */
const MAX_KEY_BYTES = 1024;
/** With key and owner below the 400 kB of a DynamoDB item. */
const MAX_VALUE_BYTES = 256 * 1024;
/** Below the 4 MB of a DynamoDB transaction. */
const MAX_COMMIT_BYTES = 2 * 1024 * 1024;
const MAX_CHANGES = 25;
const MAX_COMMIT_ID_LENGTH = 36;
const MAX_PAGE_ITEMS = 1000;

/** Refuses a key that an engine could not hold, or would take for another: empty, overlong, or with lone surrogates. */
function checkKey(key: string): void {
  if (key.length === 0) throw new RangeError("Cannot use an empty key");
  if (isOverlong(key)) {
    throw new RangeError(`Cannot use a key of more than ${MAX_KEY_BYTES} bytes: ${Buffer.byteLength(key)}`);
  }
  if (!key.isWellFormed()) throw new TypeError("Cannot use a key with lone surrogates");
}

/** Whether an item can be at this key. A name from outside may be of any length; what cannot be there is not there. */
export function isKey(key: string): boolean {
  return key.length > 0 && !isOverlong(key) && key.isWellFormed();
}

function isOverlong(key: string): boolean {
  return key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES;
}

/** A change that was checked, with its value as JSON text where it writes one. */
export interface CheckedChange {
  readonly change: Change;
  readonly text: string | undefined;
}

/** Checks the changes of a commit, each and together. */
export function checkCommit(changes: readonly Change[], { id }: CommitOptions = {}): readonly CheckedChange[] {
  if (changes.length < 1 || changes.length > MAX_CHANGES) {
    throw new RangeError(`Cannot commit ${changes.length} changes, only 1 to ${MAX_CHANGES}`);
  }
  if (id !== undefined && !(id.length >= 1 && id.length <= MAX_COMMIT_ID_LENGTH && id.isWellFormed())) {
    throw new RangeError(`Cannot commit under an id of ${id.length} characters, only of 1 to ${MAX_COMMIT_ID_LENGTH}`);
  }
  const checked = changes.map(checkChange);
  if (changes.length === 1) return checked;
  if (new Set(changes.map(({ key }) => key)).size < changes.length) throw new RangeError("Cannot commit a key twice");
  const size = checked.reduce((sum, { change, text = "" }) => sum + sizeOf(change, text), 0);
  if (size > MAX_COMMIT_BYTES)
    throw new RangeError(`Cannot commit more than ${MAX_COMMIT_BYTES} bytes at once: ${size}`);
  return checked;
}

/** Checks one change, alone. */
export function checkChange(change: Change): CheckedChange {
  checkKey(change.key);
  const { expectedVersion, draft, remove } = change;
  if (!Number.isSafeInteger(expectedVersion) || expectedVersion < 0) {
    throw new RangeError(`Cannot expect version ${expectedVersion}`);
  }
  if (draft !== undefined && remove !== undefined) throw new TypeError("Cannot write and remove an item at once");
  return { change, text: draft === undefined ? undefined : serialise(draft) };
}

function sizeOf({ key, draft }: Change, text: string): number {
  return Buffer.byteLength(key) + Buffer.byteLength(draft?.owner ?? "") + Buffer.byteLength(text);
}

/** Checks a draft and turns its value into JSON text. */
function serialise(draft: Draft): string {
  if (draft.owner !== undefined) checkKey(draft.owner);
  if (draft.expiresAt !== undefined && !Number.isFinite(draft.expiresAt)) {
    throw new RangeError(`Cannot expire at ${draft.expiresAt}`);
  }
  const text: string | undefined = JSON.stringify(draft.value);
  if (text === undefined) throw new TypeError("Cannot store a value that JSON does not know");
  if (text.length * 3 > MAX_VALUE_BYTES && Buffer.byteLength(text) > MAX_VALUE_BYTES) {
    throw new RangeError(`Cannot store a value of more than ${MAX_VALUE_BYTES} bytes: ${Buffer.byteLength(text)}`);
  }
  return text;
}

/** Refuses a page that is empty, fractional or larger than an engine reads at once. */
export function checkPage(page: Page): void {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > MAX_PAGE_ITEMS) {
    throw new RangeError(`Cannot list a page of ${page.limit} items, only of 1 to ${MAX_PAGE_ITEMS}`);
  }
}

/** Parses JSON to a value that nobody can change, so that one reading of an item can serve every caller. */
export function parseFrozen(text: string): unknown {
  return frozen(JSON.parse(text));
}

function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}
