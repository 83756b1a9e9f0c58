import type { Finding } from "./check.ts";

/** A finding before its severity is looked up. */
export type UnratedFinding = Omit<Finding, "severity">;
