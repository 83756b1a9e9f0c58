import { KeyPair, PrivateKey } from "@countersign/biscuit";
import { ProtobufWriter } from "../src/format/protobuf.ts";
import { blockPayload, externalPayload } from "../src/format/signature-payload.ts";
import { type SignedBlock, writeContainer } from "../src/format/wrapper.ts";

/** A root key that is the same in every run. */
export const rootKey = KeyPair.fromSync(PrivateKey.parse(`ed25519-private/${"2a".repeat(32)}`));

/** The ephemeral key of every forged block. */
export const blockKey = KeyPair.fromSync(PrivateKey.parse(`ed25519-private/${"17".repeat(32)}`));

/** A third party. */
export const thirdKey = KeyPair.fromSync(PrivateKey.parse(`ed25519-private/${"3c".repeat(32)}`));

/** Writes one message with full control over its bytes. */
export function message(write: (writer: ProtobufWriter) => void): Uint8Array {
  const writer = new ProtobufWriter();
  write(writer);
  return writer.finish();
}

/** A block whose bytes are given, to be signed as they are. */
export interface ForgedBlock {
  readonly data: Uint8Array;
  /** The signature version. @default 1 */
  readonly version?: number;
  /** Signs as this third party too. */
  readonly external?: KeyPair;
}

/** Signs blocks of any content into a token whose signatures hold. */
export function forgeToken(blocks: readonly ForgedBlock[], rootKeyId?: number): Uint8Array {
  const signed: SignedBlock[] = [];
  for (const { data, version = 1, external } of blocks) {
    const previous = signed.at(-1)?.signature;
    const key = signed.length === 0 ? rootKey : blockKey;
    const unsigned = {
      data,
      version,
      nextKey: blockKey.publicKey,
      external: external && {
        publicKey: external.publicKey,
        signature: external.privateKey.signSync(externalPayload(data, previous ?? new Uint8Array())),
      },
    };
    signed.push({ ...unsigned, signature: key.privateKey.signSync(blockPayload(unsigned, previous)) });
  }
  const [authority, ...others] = signed;
  if (authority === undefined) throw new TypeError("A token has at least one block");
  return writeContainer({
    rootKeyId,
    blocks: [authority, ...others],
    proof: { kind: "secret", secret: blockKey.privateKey.revealBytes() },
  });
}

/** A block with this header and whatever else is written into it. */
export function rawBlock(
  { version = 3, symbols = [] }: { readonly version?: number; readonly symbols?: readonly string[] },
  write: (writer: ProtobufWriter) => void = () => {},
): Uint8Array {
  return message((writer) => {
    for (const symbol of symbols) writer.string(1, symbol);
    writer.uint64(3, version);
    write(writer);
  });
}
