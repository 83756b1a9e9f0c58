import { concatBytes, toLittleEndian, utf8 } from "../encoding/bytes.ts";
import { fromHex } from "../encoding/text.ts";
import { digest, generateKeys, spkiOf } from "../webcrypto.ts";
import { toPem } from "../x509/pem.ts";
import { SIMULATED_QE_SIGNER, SIMULATED_QE_SVN } from "./documents.ts";
import { signerOf } from "./issuer.ts";
import type { Platform } from "./platform.ts";
import { type SimulatedEnclave, writeSgxReport } from "./reports.ts";

/** A body of a quote: the bytes between header and signature data, and which header goes with it. */
export interface QuoteBody {
  readonly version: 3 | 4 | 5;
  readonly tee: "sgx" | "tdx";
  readonly bytes: Uint8Array;
}

/** What may differ from what a quoting enclave does. */
export interface QuotingOptions {
  /** What is hashed with the attestation key. @default 32 bytes */
  readonly authData?: Uint8Array | undefined;
  /** The report of the quoting enclave. @default as its identity says */
  readonly enclave?: SimulatedEnclave | undefined;
  /** The vendor, 16 bytes in hexadecimal. @default Intel's */
  readonly vendor?: string | undefined;
  /** The certificates. @default those of the platform */
  readonly certificates?: readonly Uint8Array[] | undefined;
}

const INTEL_VENDOR = "939a7233f79c4ca9940a0db3957f0607";
const QUOTING_ENCLAVE = {
  mrSigner: SIMULATED_QE_SIGNER,
  isvSvn: SIMULATED_QE_SVN,
  attributes: "15".padEnd(32, "0"),
};

const typed = (type: number, bytes: Uint8Array) =>
  concatBytes(toLittleEndian(type, 2), toLittleEndian(bytes.length, 4), bytes);

function header({ version, tee }: QuoteBody, vendor: string): Uint8Array {
  const type = toLittleEndian(tee === "sgx" ? 0 : 0x81, 4);
  const svns = concatBytes(toLittleEndian(SIMULATED_QE_SVN, 2), toLittleEndian(11, 2));
  const head = concatBytes(toLittleEndian(version, 2), toLittleEndian(2, 2), type, svns);
  return concatBytes(head, fromHex(vendor, "the vendor"), new Uint8Array(20));
}

/** Makes a quote as the quoting enclave of the platform would. */
export async function writeQuote(
  platform: Platform,
  body: QuoteBody,
  options: QuotingOptions = {},
): Promise<Uint8Array> {
  const { authData = Uint8Array.from({ length: 32 }, (_, at) => at), enclave, vendor = INTEL_VENDOR } = options;
  const { certificates = [platform.pck, platform.authority, platform.root].map(({ certificate }) => certificate) } =
    options;
  const keys = await generateKeys("ES256");
  const key = (await spkiOf(keys.publicKey)).subarray(-64);
  const signed = concatBytes(header(body, vendor), body.bytes);
  const named = concatBytes(await digest("SHA-256", concatBytes(key, authData)), new Uint8Array(32));
  const qeReport = writeSgxReport({ ...QUOTING_ENCLAVE, ...enclave }, named);
  const chain = typed(5, concatBytes(utf8(toPem(certificates)), Uint8Array.of(0)));
  const auth = concatBytes(toLittleEndian(authData.length, 2), authData);
  const vouching = concatBytes(qeReport, await platform.pck.signer.sign(qeReport), auth, chain);
  const signature = await signerOf(keys, "ES256").sign(signed);
  const data = concatBytes(signature, key, body.version === 3 ? vouching : typed(6, vouching));
  return concatBytes(signed, toLittleEndian(data.length, 4), data);
}
