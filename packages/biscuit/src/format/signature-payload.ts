import { concatBytes } from "../crypto/bytes.ts";
import { algorithmNumber, type SignedBlock } from "./wrapper.ts";

const ascii = new TextEncoder();
const tag = (...names: readonly string[]): Uint8Array => ascii.encode(names.map((name) => `\0${name}\0`).join(""));

const BLOCK = tag("BLOCK", "VERSION");
const EXTERNAL = tag("EXTERNAL", "VERSION");
const PAYLOAD = tag("PAYLOAD");
const ALGORITHM = tag("ALGORITHM");
const NEXT_KEY = tag("NEXTKEY");
const PREVIOUS = tag("PREVSIG");
const EXTERNAL_SIGNATURE = tag("EXTERNALSIG");

const littleEndian32 = (value: number): Uint8Array =>
  Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);

const VERSION_1 = littleEndian32(1);

/** A block before it is signed. */
export type UnsignedBlock = Omit<SignedBlock, "signature">;

const algorithmOf = ({ nextKey }: UnsignedBlock): Uint8Array => littleEndian32(algorithmNumber(nextKey.algorithm));

// The order is that of deployed tokens; the prose of the specification has algorithm and key the other way round.
function payloadV0(block: UnsignedBlock, external: readonly Uint8Array[]): Uint8Array {
  return concatBytes(block.data, ...external, algorithmOf(block), block.nextKey.toBytes());
}

function payloadV1(block: UnsignedBlock, external: readonly Uint8Array[], previous: readonly Uint8Array[]): Uint8Array {
  const signed = [
    BLOCK,
    VERSION_1,
    PAYLOAD,
    block.data,
    ALGORITHM,
    algorithmOf(block),
    NEXT_KEY,
    block.nextKey.toBytes(),
  ];
  for (const signature of previous) signed.push(PREVIOUS, signature);
  for (const signature of external) signed.push(EXTERNAL_SIGNATURE, signature);
  return concatBytes(...signed);
}

/** What the signature of a block covers; `previous` is the signature of the block before, none for the authority. */
export function blockPayload(block: UnsignedBlock, previous: Uint8Array | undefined): Uint8Array {
  const external = block.external === undefined ? [] : [block.external.signature];
  if (block.version === 0) return payloadV0(block, external);
  return payloadV1(block, external, previous === undefined ? [] : [previous]);
}

/** What a third party signs: its block, bound to the token by the last signature in it. */
export function externalPayload(data: Uint8Array, previous: Uint8Array): Uint8Array {
  return concatBytes(EXTERNAL, VERSION_1, PAYLOAD, data, PREVIOUS, previous);
}

/** What a seal covers: the last block, its next key and its signature. */
export function sealPayload(last: SignedBlock): Uint8Array {
  return concatBytes(payloadV0(last, []), last.signature);
}
