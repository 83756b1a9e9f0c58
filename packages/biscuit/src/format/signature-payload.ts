import { concatBytes } from "../crypto/bytes.ts";
import { algorithmNumber, type SignedBlock } from "./wrapper.ts";

const ascii = new TextEncoder();
const BLOCK_TAG = ascii.encode("\0BLOCK\0\0VERSION\0");
const EXTERNAL_TAG = ascii.encode("\0EXTERNAL\0\0VERSION\0");
const PAYLOAD_TAG = ascii.encode("\0PAYLOAD\0");
const ALGORITHM_TAG = ascii.encode("\0ALGORITHM\0");
const NEXT_KEY_TAG = ascii.encode("\0NEXTKEY\0");
const PREVIOUS_TAG = ascii.encode("\0PREVSIG\0");
const EXTERNAL_SIGNATURE_TAG = ascii.encode("\0EXTERNALSIG\0");

const littleEndian32 = (value: number): Uint8Array =>
  Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);

const VERSION_1 = littleEndian32(1);

/** A block before it is signed. */
export type UnsignedBlock = Omit<SignedBlock, "signature">;

// The order is that of deployed tokens; the prose of the specification has algorithm and key the other way round.
function payloadV0(block: UnsignedBlock): Uint8Array {
  const external = block.external === undefined ? [] : [block.external.signature];
  return concatBytes(
    block.data,
    ...external,
    littleEndian32(algorithmNumber(block.nextKey.algorithm)),
    block.nextKey.toBytes(),
  );
}

function payloadV1(block: UnsignedBlock, previous: Uint8Array | undefined): Uint8Array {
  return concatBytes(
    BLOCK_TAG,
    VERSION_1,
    PAYLOAD_TAG,
    block.data,
    ALGORITHM_TAG,
    littleEndian32(algorithmNumber(block.nextKey.algorithm)),
    NEXT_KEY_TAG,
    block.nextKey.toBytes(),
    ...(previous === undefined ? [] : [PREVIOUS_TAG, previous]),
    ...(block.external === undefined ? [] : [EXTERNAL_SIGNATURE_TAG, block.external.signature]),
  );
}

/** What the signature of a block covers; `previous` is the signature of the block before, none for the authority. */
export function blockPayload(block: UnsignedBlock, previous: Uint8Array | undefined): Uint8Array {
  return block.version === 0 ? payloadV0(block) : payloadV1(block, previous);
}

/** What a third party signs: its block, bound to the token by the last signature in it. */
export function externalPayload(data: Uint8Array, previous: Uint8Array): Uint8Array {
  return concatBytes(EXTERNAL_TAG, VERSION_1, PAYLOAD_TAG, data, PREVIOUS_TAG, previous);
}

/** What a seal covers: the last block, its next key and its signature. */
export function sealPayload(last: SignedBlock): Uint8Array {
  return concatBytes(
    last.data,
    littleEndian32(algorithmNumber(last.nextKey.algorithm)),
    last.nextKey.toBytes(),
    last.signature,
  );
}
