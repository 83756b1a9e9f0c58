import type { Services } from "../../services.ts";

/** What capability tokens are issued, signed off and verified with. */
export type CapabilityServices = Pick<Services, "keys" | "config" | "clock" | "policy" | "audit" | "revocations">;
