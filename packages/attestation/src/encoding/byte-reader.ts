import { ensure } from "../errors.ts";
import type { ReasonCode } from "../reasons.ts";
import { littleEndian } from "./bytes.ts";

/** Reads fields one after another and never past the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #code: ReasonCode;
  #at = 0;

  constructor(bytes: Uint8Array, code: ReasonCode) {
    this.#bytes = bytes;
    this.#code = code;
  }

  /** How many bytes were read. */
  get position(): number {
    return this.#at;
  }

  /** Reads so many bytes. */
  bytes(length: number, what: string): Uint8Array {
    const left = this.#bytes.length - this.#at;
    ensure(length <= left, this.#code, `Cannot read ${what}: ${length} bytes are needed and ${left} are left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Reads an integer, least significant byte first. */
  integer(length: 1 | 2 | 4, what: string): number {
    return littleEndian(this.bytes(length, what));
  }

  /** Reads what is left. */
  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at, "the rest");
  }

  /** Demands that nothing is left. */
  end(what: string): void {
    const left = this.#bytes.length - this.#at;
    ensure(left === 0, this.#code, `Cannot read ${what}: ${left} bytes follow its end`);
  }
}
