import { formatCollateral } from "../dcap/collateral.ts";
import { utf8 } from "../encoding/bytes.ts";
import { MEDIA_TYPE } from "../evidence/appraise.ts";
import type { SimulatedPlatform } from "../simulated/simulated-platform.ts";
import { checkReportData, type EvidenceSource } from "./source.ts";

/** What is simulated. */
export interface SimulatedSourceOptions {
  /** The platform. */
  readonly platform: SimulatedPlatform;
  /** The kind of environment. @default "sgx" */
  readonly tee?: "sgx" | "tdx" | undefined;
  /** Whether collateral goes with the evidence. @default true */
  readonly endorsed?: boolean | undefined;
}

/**
 * Evidence of an environment that is none, for development: its root is trusted by nobody who was not told to.
 */
export function simulatedSource({ platform, tee = "sgx", endorsed = true }: SimulatedSourceOptions): EvidenceSource {
  return {
    name: "simulated",
    async collect(reportData) {
      checkReportData(reportData);
      const bytes = await (tee === "sgx" ? platform.sgxQuote(reportData) : platform.tdxQuote(reportData));
      const evidence = { mediaType: MEDIA_TYPE.quote, bytes };
      if (!endorsed) return { evidence };
      const collateral = utf8(formatCollateral(await platform.collateral(tee)));
      return { evidence, endorsements: { mediaType: MEDIA_TYPE.collateral, bytes: collateral } };
    },
  };
}
