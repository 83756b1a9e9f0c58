import { concatBytes, utf8 } from "../encoding/bytes.ts";
import { CborTag, type CborValue } from "./reader.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const SIZES = [1, 2, 4, 8];

function head(major: number, argument: number): Bytes {
  if (argument < 24) return Uint8Array.of((major << 5) | argument);
  const place = SIZES.findIndex((size) => argument < 256 ** size);
  const size = SIZES[place] ?? 8;
  const bytes = Uint8Array.from({ length: size }, (_, at) => Math.floor(argument / 256 ** (size - 1 - at)) % 256);
  return concatBytes(Uint8Array.of((major << 5) | (24 + place)), bytes);
}

function writeObject(value: object): Bytes {
  if (value instanceof Uint8Array) return concatBytes(head(2, value.length), value);
  if (value instanceof CborTag) return concatBytes(head(6, value.tag), writeCbor(value.value));
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => concatBytes(writeCbor(key), writeCbor(item)));
    return concatBytes(head(5, value.size), ...entries);
  }
  const items = Array.isArray(value) ? value : [];
  return concatBytes(head(4, items.length), ...items.map(writeCbor));
}

/** Writes a CBOR item; the keys of maps stay in their order. */
export function writeCbor(value: CborValue): Bytes {
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string") return concatBytes(head(3, utf8(value).length), utf8(value));
  if (typeof value === "boolean") return Uint8Array.of(value ? 0xf5 : 0xf4);
  if (value === null || value === undefined) return Uint8Array.of(value === null ? 0xf6 : 0xf7);
  return writeObject(value);
}
