import {
  type Certificate,
  type NitroDocument,
  parseCertificate,
  parseClaims,
  parseNitroDocument,
  parseQuote,
  parseSnpReport,
  type Quote,
  readTaggedEvidence,
  type SgxReport,
  type SnpReport,
  type TdReport,
} from "@countersign/attestation";
import type { AttestInput } from "./input.ts";

/** A tree of names and texts, as it is printed. */
export interface Tree {
  readonly [name: string]: string | number | boolean | Tree;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const time = (at: number): string => new Date(at).toISOString().replace(".000Z", "Z");
const QUOTE_EXTENSION = "1.2.840.113741.1.13.1";
const TAGGED_EXTENSION = "2.23.133.5.4.9";

/** The members that are byte strings, in hexadecimal; the others as they are. */
function fields(object: object, names: readonly string[]): Tree {
  const entries = names.map((name) => [name, Object(object)[name] as unknown] as const);
  return Object.fromEntries(
    entries
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, value instanceof Uint8Array ? hex(value) : (value as string | number | boolean)]),
  );
}

function describeEnclave(report: SgxReport): Tree {
  const names = ["mrEnclave", "mrSigner", "isvProdId", "isvSvn", "attributes", "miscSelect", "cpuSvn", "reportData"];
  return { debug: ((report.attributes[0] ?? 0) & 2) !== 0, ...fields(report, names) };
}

function describeDomain(report: TdReport): Tree {
  const names = [
    "mrTd",
    "tdAttributes",
    "xfam",
    "teeTcbSvn",
    "mrSeam",
    "mrConfigId",
    "mrOwner",
    "mrOwnerConfig",
    "reportData",
  ];
  const rtMrs = Object.fromEntries(report.rtMrs.map((value, at) => [`rtMr${at}`, hex(value)]));
  return { version: report.version, debug: report.tdAttributes[0] !== 0, ...fields(report, names), ...rtMrs };
}

function describeQuote({ version, report, qeVendor, signature }: Quote): Tree {
  const chain = signature.certificates.map((der) => parseCertificate(der).commonName ?? "no name");
  return {
    version,
    tee: report.kind,
    report: report.kind === "sgx" ? describeEnclave(report) : describeDomain(report),
    "quoting enclave": { vendor: hex(qeVendor), ...describeEnclave(signature.qeReport) },
    certificates: Object.fromEntries(chain.map((name, at) => [String(at + 1), name])),
  };
}

const describeReport = (report: SnpReport): Tree =>
  fields(report, [
    "version",
    "guestSvn",
    "policy",
    "vmpl",
    "measurement",
    "hostData",
    "reportedTcb",
    "chipId",
    "reportData",
  ]);

function describeDocument({ moduleId, timestamp, pcrs, userData, nonce, publicKey }: NitroDocument): Tree {
  const registers = [...pcrs].map(([number, value]) => [`pcr${number}`, hex(value)]);
  return {
    moduleId,
    timestamp: time(timestamp),
    ...Object.fromEntries(registers),
    ...fields({ userData, nonce, publicKey }, ["userData", "nonce", "publicKey"]),
  };
}

function describeCertificate(certificate: Certificate): Tree {
  const { commonName = "no name", serial, notBefore, notAfter, extensions } = certificate;
  const quote = extensions.find(({ id }) => id === QUOTE_EXTENSION)?.value;
  const hasTagged = extensions.some(({ id }) => id === TAGGED_EXTENSION);
  return {
    subject: commonName,
    serial,
    notBefore: time(notBefore),
    notAfter: time(notAfter),
    extensions: extensions.map(({ id, critical }) => (critical ? `${id} (critical)` : id)).join(", "),
    ...(quote === undefined ? {} : { quote: describeQuote(parseQuote(quote)) }),
    ...(hasTagged ? { "tagged evidence": describeQuote(parseQuote(readTaggedEvidence(certificate).quote)) } : {}),
  };
}

function describeKey(jwk: Readonly<Record<string, unknown>>): Tree {
  const { x5c, att } = jwk;
  const [first]: unknown[] = Array.isArray(x5c) ? x5c : [];
  const { claims, evidence } = Object(att) as { claims?: unknown; evidence?: unknown };
  const [mediaType]: unknown[] = Array.isArray(evidence) ? evidence : [];
  const certificate =
    typeof first === "string" ? parseCertificate(new Uint8Array(Buffer.from(first, "base64"))) : undefined;
  return {
    ...fields(jwk, ["kid", "kty", "alg", "use"]),
    ...(typeof claims === "string"
      ? { claims: { ...fields(parseClaims(claims), ["iss", "jkt", "iat", "exp", "policy", "nonce"]) } }
      : {}),
    ...(typeof mediaType === "string" ? { evidence: mediaType } : {}),
    ...(certificate === undefined ? {} : { certificate: describeCertificate(certificate) }),
  };
}

/** What a file says, read and not verified. */
export function describe(input: AttestInput): Tree {
  if (input.kind === "jwks")
    return Object.fromEntries(input.keys.map((key, at) => [`key ${at + 1}`, describeKey(key)]));
  if (input.kind === "certificate") return { certificate: describeCertificate(parseCertificate(input.der)) };
  if (input.kind === "sev-snp report") return { report: describeReport(parseSnpReport(input.bytes)) };
  if (input.kind === "nitro document") return { document: describeDocument(parseNitroDocument(input.bytes)) };
  return { quote: describeQuote(parseQuote(input.bytes)) };
}

/** A tree as lines, what is inside indented. */
export function treeLines(tree: Tree, indent = ""): string[] {
  return Object.entries(tree).flatMap(([name, value]) =>
    typeof value === "object"
      ? [`${indent}${name}`, ...treeLines(value, `${indent}  `)]
      : [`${indent}${name}: ${value}`],
  );
}

/** The quote in a file, wherever it is; empty where there is none. */
function quoteIn(input: AttestInput): Uint8Array {
  if (input.kind === "quote") return input.bytes;
  const [first]: unknown[] =
    input.kind === "jwks" ? input.keys.flatMap(({ x5c }) => (Array.isArray(x5c) ? x5c : [])) : [];
  const der = input.kind === "certificate" ? input.der : new Uint8Array(Buffer.from(String(first ?? ""), "base64"));
  return parseCertificate(der).extensions.find(({ id }) => id === QUOTE_EXTENSION)?.value ?? new Uint8Array();
}

/** The certificate in DER that the chain of a quote ends in. */
export const rootIn = (input: AttestInput): Uint8Array =>
  parseQuote(quoteIn(input)).signature.certificates.at(-1) ?? new Uint8Array();
