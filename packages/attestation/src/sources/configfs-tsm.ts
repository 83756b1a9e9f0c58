import { utf8 } from "../encoding/bytes.ts";
import { fromUtf8, toHex } from "../encoding/text.ts";
import { AttestationError, ensure } from "../errors.ts";
import { type Evidence, MEDIA_TYPE } from "../evidence/appraise.ts";
import { parseQuote } from "../quote/quote.ts";
import { formatSnpEndorsements, parseCertificateTable } from "../snp/endorsements.ts";
import { parseSnpReport, SNP_REPORT_LENGTH } from "../snp/report.ts";
import { randomOctets } from "../webcrypto.ts";
import { checkReportData, codeOf, type EvidenceSource, ensureFresh, type FileTree, orExplain } from "./source.ts";

/** How the kernel is asked. */
export interface ConfigfsTsmOptions {
  /** The files. */
  readonly files: FileTree;
  /** Waits, in milliseconds, before a busy interface is asked again. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Where they are. @default "/sys/kernel/config/tsm/report" */
  readonly path?: string | undefined;
  /** SEV-SNP: the privilege level that the report is for. @default what the kernel chooses */
  readonly privilegeLevel?: number | undefined;
  /** A name that nobody else uses for the entry of one request. @default random */
  readonly entryName?: (() => string) | undefined;
}

const HINTS = {
  ENOENT: "there is no configfs here: mount it, and load the tsm module of a kernel from 6.7 on",
  ENXIO: "no provider is registered: this is no confidential guest, or its module is not loaded",
  EACCES: "only root may ask: let an init process change the owner",
  EPERM: "only root may ask: let an init process change the owner",
  EBUSY: "another request is in flight, or too many were made",
  ETIMEDOUT: "the quoting service of the host gave no answer",
  EIO: "the quoting service of the host failed",
};

/** How often a busy interface is asked, and how long between. */
const ATTEMPTS = 5;
const PAUSE_MS = 200;
const RETRIED = ["EBUSY", "EINTR"];

interface Entry {
  read(name: string): Promise<Uint8Array>;
  write(name: string, bytes: Uint8Array): Promise<void>;
}

const entryAt = (files: FileTree, path: string): Entry => ({
  read: (name) => files.readFile(`${path}/${name}`),
  write: (name, bytes) => files.writeFile(`${path}/${name}`, bytes),
});

async function readGeneration(entry: Entry): Promise<number> {
  const bytes = await orExplain(entry.read("generation"), "read the generation of the entry", HINTS);
  const text = fromUtf8(bytes, "the generation").trim();
  ensure(/^\d+$/.test(text), "source", `Cannot use the entry: its generation is ${text}`);
  return Number(text);
}

async function readBusy(entry: Entry, sleep: ConfigfsTsmOptions["sleep"]): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await entry.read("outblob");
    } catch (error) {
      if (attempt === ATTEMPTS || !RETRIED.includes(codeOf(error)))
        return orExplain(Promise.reject(error), "get a report", HINTS);
      await sleep(PAUSE_MS * attempt);
    }
  }
}

type Wrap = (report: Uint8Array, wanted: Uint8Array, entry: Entry) => Promise<Evidence>;

const wrapQuote: Wrap = async (bytes, wanted) => {
  // Newer quotes are CBOR web tokens: a map, or a tag, in their first byte.
  ensure((bytes[0] ?? 0) < 0x80, "quote_version", "Cannot use the quote: CBOR quotes are not supported");
  ensureFresh(parseQuote(bytes).report.reportData, wanted, "tdx_guest");
  return { evidence: { mediaType: MEDIA_TYPE.quote, bytes } };
};

/** The host may give the certificates with the report, some of them, or none. */
async function readEndorsements(entry: Entry): Promise<Pick<Evidence, "endorsements">> {
  const bytes = await entry.read("auxblob").catch(() => new Uint8Array());
  if (bytes.length === 0) return {};
  const { leaf, intermediate, root } = parseCertificateTable(bytes);
  if (leaf === undefined || intermediate === undefined || root === undefined) return {};
  const text = formatSnpEndorsements({ leaf, intermediate, root });
  return { endorsements: { mediaType: MEDIA_TYPE.snpCertificates, bytes: utf8(text) } };
}

const wrapReport: Wrap = async (bytes, wanted, entry) => {
  const report = bytes.subarray(0, SNP_REPORT_LENGTH);
  ensureFresh(parseSnpReport(report).reportData, wanted, "sev_guest");
  return { evidence: { mediaType: MEDIA_TYPE.snpReport, bytes: report }, ...(await readEndorsements(entry)) };
};

const PROVIDERS: ReadonlyMap<string, Wrap> = new Map([
  ["tdx_guest", wrapQuote],
  ["sev_guest", wrapReport],
]);

async function ask(entry: Entry, reportData: Uint8Array, options: ConfigfsTsmOptions): Promise<Evidence> {
  const { privilegeLevel, sleep } = options;
  const before = await readGeneration(entry);
  await orExplain(entry.write("inblob", reportData), "write the report data", HINTS);
  if (privilegeLevel !== undefined) {
    await orExplain(entry.write("privlevel", utf8(`${privilegeLevel}`)), "write the privilege level", HINTS);
  }
  const report = await readBusy(entry, sleep);
  const provider = fromUtf8(await orExplain(entry.read("provider"), "read the provider", HINTS), "the provider").trim();
  const wrap = PROVIDERS.get(provider);
  if (wrap === undefined)
    throw new AttestationError("source", `Cannot use the evidence: provider ${provider} is not known`);
  const evidence = await wrap(report, reportData, entry);
  // A write takes effect when the file is closed, and its error is lost: the count tells whether ours, and only ours, did.
  const writes = privilegeLevel === undefined ? 1 : 2;
  const after = await readGeneration(entry);
  ensure(
    after === before + writes,
    "stale_evidence",
    `Cannot use the evidence: ${after - before} writes were counted, not ${writes}`,
  );
  return evidence;
}

/** Evidence of a confidential guest of Linux, TDX or SEV-SNP: configfs-tsm, from kernel 6.7 on. One entry for each request. */
export function configfsTsmSource(options: ConfigfsTsmOptions): EvidenceSource {
  const { files, path = "/sys/kernel/config/tsm/report" } = options;
  const { entryName = () => `countersign-${toHex(randomOctets(8))}` } = options;
  return {
    name: "configfs-tsm",
    async collect(reportData) {
      checkReportData(reportData);
      const directory = `${path}/${entryName()}`;
      await orExplain(files.makeDirectory(directory), "make an entry", HINTS);
      try {
        return await ask(entryAt(files, directory), reportData, options);
      } finally {
        // What is left behind is an empty entry: no reason to lose the evidence.
        await files.removeDirectory(directory).catch(() => undefined);
      }
    },
  };
}
