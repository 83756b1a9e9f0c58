const instant = (at: number): string => new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
const components = (svn: number) => Array.from({ length: 16 }, () => ({ svn }));

/** Who signed the simulated quoting enclave. */
export const SIMULATED_QE_SIGNER = "51".repeat(32);
/** The security version of the simulated quoting enclave. */
export const SIMULATED_QE_SVN = 8;

const DATE = "2024-03-13T00:00:00Z";
const level = (tcb: object, tcbStatus: string, advisoryIDs?: readonly string[]) => ({
  tcb,
  tcbDate: DATE,
  tcbStatus,
  ...(advisoryIDs === undefined ? {} : { advisoryIDs }),
});

function platformLevel(
  tee: "sgx" | "tdx",
  svn: number,
  pcesvn: number,
  status: string,
  advisories?: readonly string[],
) {
  const sgxtcbcomponents = components(svn);
  // The second component is the generation of the TDX module, which is 1 at every level.
  const tdxtcbcomponents = components(svn).map((component, at) => (at === 1 ? { svn: 1 } : component));
  const tdx = tee === "tdx" ? { tdxtcbcomponents } : {};
  return level({ sgxtcbcomponents, ...tdx, pcesvn }, status, advisories);
}

const ZERO_SIGNER = { mrsigner: "00".repeat(48), attributes: "00".repeat(8), attributesMask: "FF".repeat(8) };

const TDX_PARTS = {
  tdxModule: ZERO_SIGNER,
  tdxModuleIdentities: [
    { id: "TDX_01", ...ZERO_SIGNER, tcbLevels: [level({ isvsvn: 2 }, "UpToDate"), level({ isvsvn: 1 }, "OutOfDate")] },
  ],
};

/** The TCB info of a simulated platform. */
export function tcbInfoOf(tee: "sgx" | "tdx", fmspc: string, from: number, until: number): object {
  return {
    id: tee.toUpperCase(),
    version: 3,
    issueDate: instant(from),
    nextUpdate: instant(until),
    fmspc: fmspc.toUpperCase(),
    pceId: "0000",
    tcbType: 0,
    tcbEvaluationDataNumber: 17,
    ...(tee === "tdx" ? TDX_PARTS : {}),
    tcbLevels: [platformLevel(tee, 2, 11, "UpToDate"), platformLevel(tee, 1, 10, "OutOfDate", ["SIMULATED-SA-00001"])],
  };
}

/** The identity of the simulated quoting enclave. */
export function qeIdentityOf(tee: "sgx" | "tdx", from: number, until: number): object {
  return {
    id: tee === "sgx" ? "QE" : "TD_QE",
    version: 2,
    issueDate: instant(from),
    nextUpdate: instant(until),
    tcbEvaluationDataNumber: 17,
    miscselect: "00000000",
    miscselectMask: "FFFFFFFF",
    attributes: "11000000000000000000000000000000",
    attributesMask: "FBFFFFFFFFFFFFFF0000000000000000",
    mrsigner: SIMULATED_QE_SIGNER.toUpperCase(),
    isvprodid: 1,
    tcbLevels: [level({ isvsvn: SIMULATED_QE_SVN }, "UpToDate"), level({ isvsvn: 5 }, "OutOfDate")],
  };
}
