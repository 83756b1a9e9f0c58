/** An enclave, by what it is or by who signed it. */
export interface SgxMeasurement {
  /** Tells the kinds of rule apart. */
  readonly kind: "sgx";
  /** The measurement of the enclave, 32 bytes in hexadecimal; without it, all of the next three are needed. */
  readonly mrEnclave?: string | undefined;
  /** The digest of the key that signed it, 32 bytes in hexadecimal. */
  readonly mrSigner?: string | undefined;
  /** The number of the product. */
  readonly isvProdId?: number | undefined;
  /** The lowest security version that is accepted. */
  readonly minimumIsvSvn?: number | undefined;
  /** The id of the product as its signer chose it, 16 bytes in hexadecimal. */
  readonly isvExtProdId?: string | undefined;
  /** The id of the family of products, 16 bytes in hexadecimal. */
  readonly isvFamilyId?: string | undefined;
  /** What the host configured, 64 bytes in hexadecimal. */
  readonly configId?: string | undefined;
}

/** A trust domain, by its measurements: 48 bytes each, in hexadecimal. */
export interface TdxMeasurement {
  /** Tells the kinds of rule apart. */
  readonly kind: "tdx";
  /** The initial contents: the firmware. */
  readonly mrTd: string;
  /** Run-time measurement 0: usually the firmware's configuration. */
  readonly rtMr0?: string | undefined;
  /** Run-time measurement 1: usually the kernel. */
  readonly rtMr1?: string | undefined;
  /** Run-time measurement 2: usually the kernel's command line and the initial file system. */
  readonly rtMr2?: string | undefined;
  /** Run-time measurement 3: usually the application. */
  readonly rtMr3?: string | undefined;
  /** What the host configured. */
  readonly mrConfigId?: string | undefined;
  /** Who owns the trust domain. */
  readonly mrOwner?: string | undefined;
  /** What its owner configured. */
  readonly mrOwnerConfig?: string | undefined;
  /** The measurement of the TDX module. */
  readonly mrSeam?: string | undefined;
}

/** A guest of AMD SEV-SNP. */
export interface SnpMeasurement {
  /** Tells the kinds of rule apart. */
  readonly kind: "sev-snp";
  /** The launch measurement, 48 bytes in hexadecimal. */
  readonly measurement: string;
  /** What the host passed at launch, 32 bytes in hexadecimal. */
  readonly hostData?: string | undefined;
  /** The id of the guest's owner, 48 bytes in hexadecimal. */
  readonly idKeyDigest?: string | undefined;
  /** The lowest security version of the guest that is accepted. */
  readonly minimumGuestSvn?: number | undefined;
  /** The privilege level that asked for the report. */
  readonly vmpl?: number | undefined;
  /** The lowest security version of the boot loader that is accepted. */
  readonly minimumBootloader?: number | undefined;
  /** The lowest security version of the secure processor's operating system that is accepted. */
  readonly minimumTee?: number | undefined;
  /** The lowest security version of the SNP firmware that is accepted. */
  readonly minimumSnp?: number | undefined;
  /** The lowest version of the microcode that is accepted. */
  readonly minimumMicrocode?: number | undefined;
}

/** An AWS Nitro enclave, by its platform configuration registers: 48 bytes each, in hexadecimal. */
export interface NitroMeasurement {
  /** Tells the kinds of rule apart. */
  readonly kind: "nitro";
  /** The image. */
  readonly pcr0: string;
  /** Kernel and boot. */
  readonly pcr1?: string | undefined;
  /** The application. */
  readonly pcr2?: string | undefined;
  /** The IAM role of the parent instance. */
  readonly pcr3?: string | undefined;
  /** The id of the parent instance. */
  readonly pcr4?: string | undefined;
  /** Who signed the image. */
  readonly pcr8?: string | undefined;
}

/** What may run. */
export type Measurement = SgxMeasurement | TdxMeasurement | SnpMeasurement | NitroMeasurement;

/** What evidence says about what runs, by the names that rules use. */
export interface Facts {
  /** The kind of evidence. */
  readonly kind: Measurement["kind"];
  /** Byte strings in hexadecimal, and numbers. */
  readonly values: Readonly<Record<string, string | number>>;
}

/** The members of a rule: the length of a byte string, or that it is a number. */
const FIELDS: Readonly<Record<Measurement["kind"], Readonly<Record<string, number | "number">>>> = {
  sgx: {
    mrEnclave: 32,
    mrSigner: 32,
    isvProdId: "number",
    minimumIsvSvn: "number",
    isvExtProdId: 16,
    isvFamilyId: 16,
    configId: 64,
  },
  tdx: Object.fromEntries(
    ["mrTd", "rtMr0", "rtMr1", "rtMr2", "rtMr3", "mrConfigId", "mrOwner", "mrOwnerConfig", "mrSeam"].map((name) => [
      name,
      48,
    ]),
  ),
  "sev-snp": {
    ...{ measurement: 48, hostData: 32, idKeyDigest: 48, minimumGuestSvn: "number", vmpl: "number" },
    ...{ minimumBootloader: "number", minimumTee: "number", minimumSnp: "number", minimumMicrocode: "number" },
  },
  nitro: Object.fromEntries(["pcr0", "pcr1", "pcr2", "pcr3", "pcr4", "pcr8"].map((name) => [name, 48])),
};

/** What a rule must name at least: one of these sets. */
const NEEDED: Readonly<Record<Measurement["kind"], readonly (readonly string[])[]>> = {
  sgx: [["mrEnclave"], ["mrSigner", "isvProdId", "minimumIsvSvn"]],
  tdx: [["mrTd"]],
  "sev-snp": [["measurement"]],
  nitro: [["pcr0"]],
};

type Comparison = (facts: Facts) => boolean;

function compileMember(kind: Measurement["kind"], name: string, value: unknown): Comparison {
  const field = Object.hasOwn(FIELDS[kind], name) ? FIELDS[kind][name] : undefined;
  if (field === undefined) throw new TypeError(`Cannot use the policy: a measurement of ${kind} has no ${name}`);
  if (field === "number") {
    if (!Number.isInteger(value)) throw new TypeError(`Cannot use the policy: ${name} is not an integer`);
    const minimum = /^minimum(.)(.*)$/.exec(name);
    if (minimum === null) return ({ values }) => values[name] === value;
    const fact = `${minimum[1]?.toLowerCase()}${minimum[2]}`;
    return ({ values }) => Number(values[fact] ?? Number.NaN) >= Number(value);
  }
  const isHex = typeof value === "string" && value.length === 2 * field && /^[0-9a-f]*$/i.test(value);
  if (!isHex) throw new TypeError(`Cannot use the policy: ${name} is not ${field} bytes in hexadecimal`);
  return ({ values }) => values[name] === value.toLowerCase();
}

/** Compiles a rule: every member must be as it says. */
export function compileMeasurement(measurement: Measurement): Comparison {
  const { kind } = measurement;
  if (!Object.hasOwn(FIELDS, kind)) throw new TypeError(`Cannot use the policy: there is no kind of evidence ${kind}`);
  const members = Object.entries(measurement).filter(([name, value]) => name !== "kind" && value !== undefined);
  const names = members.map(([name]) => name);
  const isEnough = NEEDED[kind].some((needed) => needed.every((name) => names.includes(name)));
  if (!isEnough) {
    const needed = NEEDED[kind].map((set) => set.join(" and ")).join(", or ");
    throw new TypeError(`Cannot use the policy: a measurement of ${kind} needs ${needed}`);
  }
  const comparisons = members.map(([name, value]) => compileMember(kind, name, value));
  return (facts) => facts.kind === kind && comparisons.every((holds) => holds(facts));
}
