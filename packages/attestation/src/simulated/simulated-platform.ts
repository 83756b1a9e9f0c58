import { type TrustedRoot, trustRoot } from "../appraisal/root.ts";
import type { Collateral } from "../dcap/collateral.ts";
import { concatBytes, toLittleEndian } from "../encoding/bytes.ts";
import { collateralOf, createPlatform, type PlatformOptions } from "./platform.ts";
import { writeQuote } from "./quote.ts";
import { type SimulatedDomain, type SimulatedEnclave, writeSgxReport, writeTdReport } from "./reports.ts";

/**
 * A platform that is none: it makes quotes and collateral in the forms of Intel's, under a root of its own whose names say
 * what it is. Whoever has this library can make one, so that its evidence proves nothing.
 */
export interface SimulatedPlatform {
  /** The root; a verifier trusts it only when it is passed by name. */
  readonly root: TrustedRoot;
  /** The PPID in its PCK certificate, in hexadecimal. */
  readonly ppid: string;
  /** Makes a version 3 quote, or a version 4 or 5 one, of an enclave. @default version 3 */
  sgxQuote(reportData: Uint8Array, enclave?: SimulatedEnclave, version?: 3 | 4 | 5): Promise<Uint8Array>;
  /** Makes a version 4 quote of a trust domain, or a version 5 one: TD 1.5. @default version 4 */
  tdxQuote(reportData: Uint8Array, domain?: SimulatedDomain, version?: 4 | 5): Promise<Uint8Array>;
  /** Signs collateral, valid for 30 days from the time the platform was made. */
  collateral(tee: "sgx" | "tdx"): Promise<Collateral>;
}

function pad(reportData: Uint8Array): Uint8Array {
  if (reportData.length > 64) throw new RangeError("Cannot put more than 64 bytes into a report");
  return concatBytes(reportData, new Uint8Array(64 - reportData.length));
}

const withType = (type: number, report: Uint8Array): Uint8Array =>
  concatBytes(toLittleEndian(type, 2), toLittleEndian(report.length, 4), report);

/**
 * Makes a simulated platform, for development and tests.
 *
 * @example
 * const platform = await createSimulatedPlatform({ at: Date.now() });
 * const quote = await platform.sgxQuote(new Uint8Array(64));
 * const collateral = await platform.collateral("sgx");
 * const policy = compilePolicy({ measurements: [{ kind: "sgx", mrEnclave: "e1".repeat(32) }] });
 * await verifyQuote(quote, { collateral, at: Date.now(), policy, roots: [platform.root] });
 */
export async function createSimulatedPlatform(options: PlatformOptions): Promise<SimulatedPlatform> {
  const platform = await createPlatform(options);
  return {
    root: await trustRoot(platform.root.certificate, { simulated: true }),
    ppid: platform.ppid,
    sgxQuote(reportData, enclave = {}, version = 3) {
      const report = writeSgxReport(enclave, pad(reportData));
      return writeQuote(platform, { version, tee: "sgx", bytes: version === 5 ? withType(1, report) : report });
    },
    tdxQuote(reportData, domain = {}, version = 4) {
      const report = writeTdReport(domain, version === 5 ? "1.5" : "1.0", pad(reportData));
      return writeQuote(platform, { version, tee: "tdx", bytes: version === 5 ? withType(3, report) : report });
    },
    collateral: (tee) => collateralOf(platform, tee),
  };
}
