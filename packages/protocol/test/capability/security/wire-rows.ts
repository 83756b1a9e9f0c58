import type { Biscuit } from "@countersign/biscuit";
import {
  attestService,
  authenticateIdentity,
  delegateIdentity,
  inspectToken,
  mintAuthorization,
  mintIdentity,
  narrowToken,
  signOff,
  verifyAuthorization,
} from "../../../src/capability/index.ts";
import { alice, at, chain, keys, parties, publicKey, right, rootKey } from "../fixtures.ts";
import { type Field, fieldsOf, join, signedBlocks } from "../wire.ts";
import type { Row } from "./case.ts";

const identity = (): Promise<Biscuit> => mintIdentity(keys.root, { subject: alice, delegatable: true }, at());

/** A token with two delegations. */
async function delegated(): Promise<Uint8Array> {
  const first = await delegateIdentity((await identity()).toBytes(), { identity: `${alice}:laptop` }, at());
  return (await delegateIdentity(first.toBytes(), { identity: `${alice}:laptop:app` }, at())).toBytes();
}

const show = (token: Uint8Array | string): Promise<unknown> => authenticateIdentity(token, {}, at());

/** The fields of a token that are no blocks: its proof. */
const proofOf = (token: Uint8Array): Field[] => fieldsOf(token).filter(({ number }) => number === 4);

/** The blocks of a token put together anew, with its own proof. */
async function rearranged(change: (blocks: Field[]) => Field[]): Promise<unknown> {
  const token = await delegated();
  return show(join([...change(signedBlocks(token)), ...proofOf(token)]));
}

function pick(blocks: readonly Field[], ...places: readonly number[]): Field[] {
  return places.flatMap((place) => blocks[place] ?? []);
}

/** The blocks after the authority's of one token, behind the authority block of another. */
async function moved(from: Uint8Array, to: Uint8Array): Promise<Uint8Array> {
  return join([...signedBlocks(to).slice(0, 1), ...signedBlocks(from).slice(1), ...proofOf(from)]);
}

const authorization = (): Promise<Biscuit> =>
  mintAuthorization(keys.root, { ...right, serviceChain: chain, parties: [parties[0]] }, at());

/** Sends a third party's block to another token than it was made for, through the messages of the format. */
async function replayed(): Promise<unknown> {
  const [one, other] = [await authorization(), await authorization()];
  const block = await one.thirdPartyRequest().createBlock(keys.finance, `namespace("finance.example");`);
  return other.appendThirdParty(publicKey("finance"), block.toBytes());
}

const text = async (change: (text: string) => string): Promise<unknown> => show(change((await identity()).toBase64()));

/** A text of the token with both letters that the two alphabets write in different ways. */
async function inStandardAlphabet(): Promise<unknown> {
  for (;;) {
    const token = (await identity()).toBase64();
    if (/[-_]/.test(token)) return show(token.replaceAll("-", "+").replaceAll("_", "/"));
  }
}

const sealed = async (): Promise<Uint8Array> => (await (await identity()).seal()).toBytes();

/** Attacks on the bytes and the text of tokens. */
export const wireRows: readonly Row[] = [
  { id: "G4 as made", build: async () => show(await delegated()), expect: "accepted" },
  {
    id: "G4 signed by another root",
    build: async () => show((await mintIdentity(keys.otherRoot, { subject: alice }, at())).toBytes()),
    expect: "token_signature",
  },
  {
    id: "G4 root of another algorithm",
    build: async () => inspectToken((await identity()).toBytes(), { rootKey: publicKey("risk") }),
    expect: "token_signature",
  },
  {
    id: "G4 no root key by that id",
    build: async () => inspectToken((await identity()).toBytes(), { rootKey: () => undefined }),
    expect: "unknown_root_key",
  },
  { id: "G4 blocks swapped", build: () => rearranged((all) => pick(all, 0, 2, 1)), expect: "token_signature" },
  { id: "G4 last block removed", build: () => rearranged((all) => pick(all, 0, 1)), expect: "token_signature" },
  { id: "G4 first delegation removed", build: () => rearranged((all) => pick(all, 0, 2)), expect: "token_signature" },
  { id: "G4 only the authority kept", build: () => rearranged((all) => pick(all, 0)), expect: "token_signature" },
  { id: "G4 last block twice", build: () => rearranged((all) => pick(all, 0, 1, 2, 2)), expect: "token_signature" },
  { id: "G4 no block", build: () => rearranged(() => []), expect: "token_malformed" },
  {
    id: "G5 block appended to a sealed token",
    build: async () => narrowToken(await sealed(), at()),
    expect: "token_sealed",
  },
  {
    id: "G5 sealed token delegated",
    build: async () => delegateIdentity(await sealed(), { identity: `${alice}:laptop` }, at()),
    expect: "token_sealed",
  },
  { id: "G5 sealed token shown", build: async () => show(await sealed()), expect: "accepted" },
  {
    id: "G6 signoff moved to another token",
    build: async () => {
      const signed = await signOff(
        (await authorization()).toBytes(),
        { ...parties[0], key: keys.finance },
        { rootKey },
      );
      return verifyAuthorization(await moved(signed.toBytes(), (await authorization()).toBytes()), right, at());
    },
    expect: "token_signature",
  },
  {
    id: "G6 attestation moved to another token",
    build: async () => {
      const attestation = { service: right.resource, key: keys.gateway };
      const attested = await attestService((await authorization()).toBytes(), attestation, { rootKey });
      return verifyAuthorization(await moved(attested.toBytes(), (await authorization()).toBytes()), right, at());
    },
    expect: "token_signature",
  },
  {
    id: "G6 delegation moved to the token of somebody else",
    build: async () => {
      const bob = await mintIdentity(keys.root, { subject: "urn:x:bob", delegatable: true }, at());
      return show(await moved(await delegated(), bob.toBytes()));
    },
    expect: "token_signature",
  },
  { id: "G23 padded", build: () => text((token) => token), expect: "accepted" },
  { id: "G23 unpadded", build: () => text((token) => token.replace(/=+$/, "")), expect: "accepted" },
  { id: "G23 three signs of padding", build: () => text((token) => `${token}===`), expect: "token_malformed" },
  {
    id: "G23 padding inside",
    build: () => text((token) => `${token.slice(0, 8)}=${token.slice(8)}`),
    expect: "token_malformed",
  },
  { id: "G23 standard alphabet", build: inStandardAlphabet, expect: "token_malformed" },
  { id: "G23 newline after", build: () => text((token) => `${token}\n`), expect: "token_malformed" },
  {
    id: "G23 newline inside",
    build: () => text((token) => `${token.slice(0, 64)}\n${token.slice(64)}`),
    expect: "token_malformed",
  },
  { id: "G23 blank before", build: () => text((token) => ` ${token}`), expect: "token_malformed" },
  { id: "G23 prefix biscuit:", build: () => text((token) => `biscuit:${token}`), expect: "token_malformed" },
  {
    id: "G23 full-width letters",
    build: () => text((token) => token.replace("E", "\uff25")),
    expect: "token_malformed",
  },
  { id: "G23 empty text", build: () => show(""), expect: "token_malformed" },
  { id: "G23 no bytes", build: () => show(new Uint8Array()), expect: "token_malformed" },
  { id: "G18 a JWT", build: () => show("eyJhbGciOiJub25lIn0.e30."), expect: "token_malformed" },
  { id: "G18 40 kB of zeros", build: () => show(new Uint8Array(40_000)), expect: "token_limit" },
  { id: "G18 40 kB of text", build: () => show("A".repeat(60_000)), expect: "token_limit" },
];

/** A delegated token and the answer of the verifier, for those who change it byte by byte. */
export const twoBlocks = async (): Promise<Uint8Array> =>
  (await delegateIdentity((await identity()).toBytes(), { identity: `${alice}:laptop` }, at())).toBytes();

/** Shows a token as a credential. */
export const showToken = show;

/** A replay through the messages of the format, which the Biscuit package itself refuses. */
export const replayedBlock = replayed;
