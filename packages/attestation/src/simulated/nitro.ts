import { type TrustedRoot, trustRoot } from "../appraisal/root.ts";
import { CborTag, type CborValue } from "../cbor/reader.ts";
import { writeCbor } from "../cbor/writer.ts";
import { createParty, type Party } from "./issuer.ts";

/** What a simulated Nitro enclave puts into a document. */
export interface SimulatedDocument {
  /** What the document vouches for. @default none */
  readonly userData?: Uint8Array | undefined;
  /** @default none */
  readonly nonce?: Uint8Array | undefined;
  /** The registers. @default register `n` is filled with `n + 1` */
  readonly pcrs?: ReadonlyMap<number, Uint8Array> | undefined;
  /** When it is made, in milliseconds since 1970. @default when the simulation was made */
  readonly timestamp?: number | undefined;
}

/** A Nitro hypervisor that is none, under a root of its own. */
export interface SimulatedNitro {
  /** The root; a verifier trusts it only when it is passed by name. */
  readonly root: TrustedRoot;
  /** Makes a document. */
  document(content?: SimulatedDocument): Promise<Uint8Array>;
}

const DAY_MS = 86_400_000;
const registers = () => new Map(Array.from({ length: 16 }, (_, at) => [at, new Uint8Array(48).fill(at + 1)] as const));

async function writeDocument(parties: readonly Party[], at: number, content: SimulatedDocument): Promise<Uint8Array> {
  const [root, middle, leaf] = parties;
  if (root === undefined || middle === undefined || leaf === undefined)
    throw new TypeError("Cannot simulate without keys");
  const { pcrs = registers(), timestamp = at, userData = null, nonce = null } = content;
  const payload = writeCbor(
    new Map<string, CborValue>([
      ["module_id", "i-simulated-not-aws"],
      ["digest", "SHA384"],
      ["timestamp", timestamp],
      ["pcrs", pcrs],
      ["certificate", leaf.certificate],
      ["cabundle", [root.certificate, middle.certificate]],
      ["public_key", null],
      ["user_data", userData],
      ["nonce", nonce],
    ]),
  );
  const header = writeCbor(new Map([[1, -35]]));
  const signature = await leaf.signer.sign(writeCbor(["Signature1", header, new Uint8Array(), payload]));
  return writeCbor(new CborTag(18, [header, new Map(), payload, signature]));
}

/** Makes a simulated Nitro hypervisor, for development and tests. */
export async function createSimulatedNitro({ at }: { readonly at: number }): Promise<SimulatedNitro> {
  const common = { notBefore: at - DAY_MS, notAfter: at + 365 * DAY_MS, algorithm: "ES384" } as const;
  const root = await createParty({ ...common, name: "Simulated nitro root, NOT AWS", serial: 1, isAuthority: true });
  const below = { ...common, issuer: root, isAuthority: true };
  const middle = await createParty({ ...below, name: "Simulated nitro instance, NOT AWS", serial: 2, pathLength: 0 });
  const leaf = await createParty({ ...common, issuer: middle, name: "Simulated nitro enclave, NOT AWS", serial: 3 });
  return {
    root: await trustRoot(root.certificate, { simulated: true }),
    document: (content = {}) => writeDocument([root, middle, leaf], at, content),
  };
}
