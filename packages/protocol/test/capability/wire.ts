/** A field of a protobuf message. */
export interface Field {
  readonly number: number;
  readonly value: Uint8Array | number;
  /** The field as it stands, its tag included. */
  readonly bytes: Uint8Array;
}

function readVarint(bytes: Uint8Array, from: number): readonly [value: number, end: number] {
  let value = 0;
  let factor = 1;
  for (let i = from; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    value += (byte & 127) * factor;
    if (byte < 128) return [value, i + 1];
    factor *= 128;
  }
  throw new RangeError("Cannot read a number that does not end");
}

/** Takes a message apart. Only what tokens are made of: numbers and bytes. */
export function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [tag, afterTag] = readVarint(bytes, at);
    const [value, afterValue] = readVarint(bytes, afterTag);
    const isBytes = tag % 8 === 2;
    const end = isBytes ? afterValue + value : afterValue;
    const content = isBytes ? bytes.slice(afterValue, end) : value;
    fields.push({ number: Math.floor(tag / 8), value: content, bytes: bytes.slice(at, end) });
    at = end;
  }
  return fields;
}

/** Puts a message together from fields as they stand. */
export function join(fields: readonly Pick<Field, "bytes">[]): Uint8Array {
  return Uint8Array.from(fields.flatMap(({ bytes }) => [...bytes]));
}

/** The signed blocks of a token, as fields. */
export function signedBlocks(token: Uint8Array): Field[] {
  return fieldsOf(token).filter(({ number }) => number === 2 || number === 3);
}

/** The encoded content of each block, which is what is signed. */
export function blockData(token: Uint8Array): Uint8Array[] {
  return signedBlocks(token).map(({ value }) => {
    const data = typeof value === "number" ? undefined : fieldsOf(value).find(({ number }) => number === 1)?.value;
    if (!(data instanceof Uint8Array)) throw new RangeError("Cannot find the content of a block");
    return data;
  });
}
