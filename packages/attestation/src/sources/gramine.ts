import { fromUtf8 } from "../encoding/text.ts";
import { AttestationError } from "../errors.ts";
import { MEDIA_TYPE } from "../evidence/appraise.ts";
import { parseQuote } from "../quote/quote.ts";
import { checkReportData, createMutex, type EvidenceSource, ensureFresh, type FileTree, orExplain } from "./source.ts";

/** How Gramine is asked. */
export interface GramineOptions {
  /** The files. */
  readonly files: FileTree;
  /** Where they are. @default "/dev/attestation" */
  readonly path?: string | undefined;
}

const HINTS = {
  ENOENT: "this is no Gramine enclave, or sgx.remote_attestation is not set in its manifest",
  EACCES: "Gramine could not get a quote; is the quoting service of the host (AESM) running?",
};

/** `none` is written where remote attestation is off; then there is no file for quotes. */
async function checkType(files: FileTree, path: string): Promise<void> {
  const bytes = await orExplain(files.readFile(`${path}/attestation_type`), "read the kind of attestation", HINTS);
  const type = fromUtf8(bytes, "the kind of attestation").trim();
  if (type === "dcap") return;
  throw new AttestationError("source", `Cannot get evidence from Gramine: its attestation type is ${type}, not dcap`);
}

/**
 * Evidence of a Gramine enclave: a DCAP quote from `/dev/attestation`.
 *
 * The interface holds one request for the whole process, so that requests wait for each other, and what comes back is compared
 * with what was asked.
 */
export function gramineSource({ files, path = "/dev/attestation" }: GramineOptions): EvidenceSource {
  const oneAtATime = createMutex();
  async function collect(reportData: Uint8Array) {
    await checkType(files, path);
    // One write of exactly 64 bytes: each write replaces the whole, shorter ones are padded and longer ones cut.
    await orExplain(files.writeFile(`${path}/user_report_data`, reportData), "write the report data", HINTS);
    const bytes = await orExplain(files.readFile(`${path}/quote`), "read a quote", HINTS);
    ensureFresh(parseQuote(bytes).report.reportData, reportData, "Gramine");
    return { evidence: { mediaType: MEDIA_TYPE.quote, bytes } };
  }
  return {
    name: "gramine",
    collect: async (reportData) => {
      checkReportData(reportData);
      return oneAtATime(() => collect(reportData));
    },
  };
}
