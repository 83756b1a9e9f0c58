import { AttestationError, ensure } from "../errors.ts";

/** The tags that are read here (X.690). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectId: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
  context1Primitive: 0x81,
  context2Primitive: 0x82,
  context3: 0xa3,
} as const;

/** One value: its tag, what is in it, and the whole of it. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly raw: Uint8Array;
}

const fail = (what: string, why: string): AttestationError =>
  new AttestationError("der", `Cannot read ${what}: ${why}`);

/** Reads values one after another. DER alone: definite lengths in their shortest form, tags of one byte. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether nothing is left. */
  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  #byte(what: string): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw fail(what, "it ends too early");
    return byte;
  }

  #length(what: string): number {
    const first = this.#byte(what);
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 3) throw fail(what, "its length is indefinite or too large");
    let length = 0;
    for (let at = 0; at < count; at++) length = length * 256 + this.#byte(what);
    if (length < 0x80 || length < 256 ** (count - 1)) throw fail(what, "its length is not in the shortest form");
    return length;
  }

  /** Reads one value, of a tag where one is given. */
  next(what: string, tag?: number): DerValue {
    const start = this.#at;
    const found = this.#byte(what);
    if ((found & 0x1f) === 0x1f) throw fail(what, "its tag has more than one byte");
    if (tag !== undefined && found !== tag) throw fail(what, `its tag is ${found}, not ${tag}`);
    const length = this.#length(what);
    const from = this.#at;
    if (length > this.#bytes.length - from) throw fail(what, "it is longer than what it is in");
    this.#at = from + length;
    return { tag: found, content: this.#bytes.subarray(from, this.#at), raw: this.#bytes.subarray(start, this.#at) };
  }

  /** Reads one value if the next one has the tag. */
  optional(tag: number, what: string): DerValue | undefined {
    return this.#bytes[this.#at] === tag ? this.next(what, tag) : undefined;
  }

  /** Reads a value that holds others. */
  inside(what: string, tag: number = TAG.sequence): DerReader {
    return new DerReader(this.next(what, tag).content);
  }

  /** Demands that nothing is left. */
  end(what: string): void {
    ensure(this.done, "der", `Cannot read ${what}: bytes follow its end`);
  }
}

/** Reads bytes that are one value and nothing else. */
export function readOne(bytes: Uint8Array, what: string, tag: number = TAG.sequence): DerValue {
  const reader = new DerReader(bytes);
  const value = reader.next(what, tag);
  reader.end(what);
  return value;
}
