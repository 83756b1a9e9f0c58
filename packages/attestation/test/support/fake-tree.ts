import type { FileTree } from "../../src/sources/index.ts";

/** An error of the system. */
const systemError = (code: string): Error => Object.assign(new Error(code), { code });

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (value: string): Uint8Array => new TextEncoder().encode(value);

export type Quote = (reportData: Uint8Array) => Promise<Uint8Array>;

/** `/dev/attestation` of Gramine: one value for the whole process, which every write replaces. */
export function fakeGramine(quote: Quote, options: { readonly type?: string; readonly refuse?: boolean } = {}) {
  let userReportData = new Uint8Array(64);
  const writes: number[] = [];
  const files: FileTree = {
    async readFile(path) {
      const name = path.replace("/dev/attestation/", "");
      if (name === "attestation_type") return bytesOf(options.type ?? "dcap");
      if (name !== "quote" || options.type === "none") throw systemError("ENOENT");
      if (options.refuse) throw systemError("EACCES");
      // Made at open, with the value of that moment.
      return quote(userReportData.slice());
    },
    async writeFile(path, bytes) {
      if (path !== "/dev/attestation/user_report_data") throw systemError("EACCES");
      writes.push(bytes.length);
      userReportData = new Uint8Array(64);
      userReportData.set(bytes.subarray(0, 64));
    },
    makeDirectory: async () => Promise.reject(systemError("EACCES")),
    removeDirectory: async () => Promise.reject(systemError("EACCES")),
  };
  return { files, writes, set: (bytes: Uint8Array) => void userReportData.set(bytes) };
}

interface TsmEntry {
  inblob: Uint8Array;
  generation: number;
  privlevel: string | undefined;
}

export interface TsmOptions {
  /** Absent: nobody is registered. */
  readonly provider?: "tdx_guest" | "sev_guest" | "other";
  readonly report: Quote;
  readonly auxblob?: Uint8Array;
  /** The codes with which the first reads of a report fail. */
  readonly failures?: readonly string[];
  /** What happens between the write and the read: somebody else writes, or the write is lost. */
  readonly meanwhile?: (entry: TsmEntry) => void;
}

/** configfs-tsm of the kernel: `drivers/virt/coco/guest/report.c`. */
export function fakeConfigfsTsm(options: TsmOptions) {
  const entries = new Map<string, TsmEntry>();
  const failures = [...(options.failures ?? [])];
  const split = (path: string): [TsmEntry, string] => {
    const at = path.lastIndexOf("/");
    const entry = entries.get(path.slice(0, at));
    if (entry === undefined) throw systemError("ENOENT");
    return [entry, path.slice(at + 1)];
  };
  const readers: Readonly<Record<string, (entry: TsmEntry) => Promise<Uint8Array> | Uint8Array>> = {
    generation: ({ generation }) => bytesOf(`${generation}\n`),
    provider: () => bytesOf(`${options.provider}\n`),
    async outblob(entry) {
      const failure = failures.shift();
      if (failure !== undefined) throw systemError(failure);
      options.meanwhile?.(entry);
      if (entry.inblob.length !== 64) throw systemError("EINVAL");
      return options.report(entry.inblob);
    },
    auxblob() {
      if (options.provider !== "sev_guest") throw systemError("ENOENT");
      return options.auxblob ?? new Uint8Array();
    },
  };
  const files: FileTree = {
    async readFile(path) {
      const [entry, name] = split(path);
      const read = readers[name];
      if (read === undefined) throw systemError("ENOENT");
      return read(entry);
    },
    async writeFile(path, bytes) {
      const [entry, name] = split(path);
      if (name === "inblob" && bytes.length > 64) throw systemError("EFBIG");
      if (name === "inblob") entry.inblob = bytes.slice();
      else if (name === "privlevel" && options.provider === "sev_guest") entry.privlevel = text(bytes);
      else throw systemError("EACCES");
      entry.generation++;
    },
    async makeDirectory(path) {
      if (options.provider === undefined) throw systemError("ENXIO");
      if (entries.has(path)) throw systemError("EEXIST");
      entries.set(path, { inblob: new Uint8Array(), generation: 0, privlevel: undefined });
    },
    async removeDirectory(path) {
      if (!entries.delete(path)) throw systemError("ENOENT");
    },
  };
  return { files, entries };
}
