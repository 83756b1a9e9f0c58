import { usageFailure } from "./failure.ts";

/** Where to listen. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const shapes = [/^\[([0-9A-Fa-f:.]+)\]:(\d{1,5})$/, /^([A-Za-z0-9._-]+):(\d{1,5})$/, /^()(\d{1,5})$/];

/**
 * Parses HOST:PORT, [IPV6]:PORT, or PORT alone, which means localhost.
 *
 * @throws {CliFailure} when it is none of them.
 */
export function parseAddress(text: string): Address {
  for (const shape of shapes) {
    const [whole, host, port] = shape.exec(text) ?? [];
    if (whole !== undefined && Number(port) <= 65_535) return { host: host || "localhost", port: Number(port) };
  }
  throw usageFailure(`cannot listen at: ${text}`, "give HOST:PORT, such as localhost:8080 or [::1]:8080");
}
