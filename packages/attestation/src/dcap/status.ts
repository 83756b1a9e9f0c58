import { AttestationError } from "../errors.ts";

/** How current a platform is, worst part first (Intel PCS API version 4). */
export type TcbStatus =
  | "UpToDate"
  | "SWHardeningNeeded"
  | "ConfigurationNeeded"
  | "ConfigurationAndSWHardeningNeeded"
  | "OutOfDate"
  | "OutOfDateConfigurationNeeded"
  | "TDRelaunchAdvised"
  | "TDRelaunchAdvisedConfigurationNeeded";

/** What may be wrong with a platform; a status is a set of these. */
interface Flaws {
  readonly outOfDate: boolean;
  readonly configuration: boolean;
  readonly hardening: boolean;
}

const flaws = (outOfDate: boolean, configuration: boolean, hardening: boolean): Flaws => ({
  outOfDate,
  configuration,
  hardening,
});

/** The statuses that levels have; who says another one says nothing that is understood. */
const FLAWS: ReadonlyMap<string, Flaws> = new Map([
  ["UpToDate", flaws(false, false, false)],
  ["SWHardeningNeeded", flaws(false, false, true)],
  ["ConfigurationNeeded", flaws(false, true, false)],
  ["ConfigurationAndSWHardeningNeeded", flaws(false, true, true)],
  ["OutOfDate", flaws(true, false, false)],
  ["OutOfDateConfigurationNeeded", flaws(true, true, false)],
]);

/** Every status that a policy may name. */
export const TCB_STATUSES: readonly TcbStatus[] = [
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "TDRelaunchAdvised",
  "TDRelaunchAdvisedConfigurationNeeded",
];

function flawsOf(status: string): Flaws {
  const found = FLAWS.get(status);
  if (found !== undefined) return found;
  if (status === "Revoked") throw new AttestationError("tcb_revoked", "Cannot trust the platform: its TCB is revoked");
  throw new AttestationError("tcb_unknown", `Cannot judge the platform: its TCB status is not known: ${status}`);
}

function statusOf({ outOfDate, configuration, hardening }: Flaws): TcbStatus {
  if (outOfDate) return configuration ? "OutOfDateConfigurationNeeded" : "OutOfDate";
  if (configuration) return hardening ? "ConfigurationAndSWHardeningNeeded" : "ConfigurationNeeded";
  return hardening ? "SWHardeningNeeded" : "UpToDate";
}

/** The status of the whole: what is wrong with a part is wrong with it. */
export function worstOf(statuses: readonly string[]): TcbStatus {
  const all = statuses.map(flawsOf);
  const some = (flaw: keyof Flaws) => all.some((one) => one[flaw]);
  return statusOf(flaws(some("outOfDate"), some("configuration"), some("hardening")));
}
