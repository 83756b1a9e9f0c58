/** What the server itself must know of a request's headers, found in one pass. */
export interface HeaderScan {
  readonly host: string | undefined;
  /** A header stands twice that may stand once. */
  readonly repeated: boolean;
  readonly hasBody: boolean;
  /** Bytes announced; `undefined` for a chunked body. */
  readonly announcedBytes: number | undefined;
  /** A Content-Encoding other than identity. */
  readonly encoded: boolean;
  /** The transfer codings as they are written, lines joined; `undefined` for none. */
  readonly transferCodings: string | undefined;
}

/**
 * Reads the raw header lines. Node's parser accepts two Host lines, which RFC 9112 section 3.2 wants refused, and of
 * two Authorization lines it shows only the first, while a proxy in front may have judged the second.
 */
export function scanHeaders(rawHeaders: readonly string[]): HeaderScan {
  let hosts = 0;
  let authorizations = 0;
  let host: string | undefined;
  let transferCodings: string | undefined;
  let announcedBytes: number | undefined;
  let encoded = false;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    // Lengths first: few of the many names a client sends need lower case and comparison.
    if (!interesting.has(name.length)) continue;
    const value = rawHeaders[at + 1] ?? "";
    switch (name.toLowerCase()) {
      case "host":
        hosts += 1;
        host = value;
        break;
      case "authorization":
        authorizations += 1;
        break;
      case "content-length":
        announcedBytes = Number(value);
        break;
      case "transfer-encoding":
        transferCodings = transferCodings === undefined ? value : `${transferCodings}, ${value}`;
        break;
      case "content-encoding":
        encoded ||= value.toLowerCase() !== "identity";
    }
  }
  return {
    host,
    repeated: hosts > 1 || authorizations > 1,
    hasBody: transferCodings !== undefined || (announcedBytes ?? 0) > 0,
    announcedBytes,
    encoded,
    transferCodings,
  };
}

const interesting: ReadonlySet<number> = new Set(
  ["host", "authorization", "content-length", "transfer-encoding", "content-encoding"].map((name) => name.length),
);
