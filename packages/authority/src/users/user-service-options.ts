import type { Clock, Random } from "@countersign/protocol";
import type { AuditTrail } from "../audit/trail.ts";
import type { Limits } from "../limits/limits.ts";
import type { PasswordHasher } from "../limits/passwords.ts";
import type { Store } from "../store/store.ts";

/** What a user service is made of. */
export interface UserServiceOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly audit: AuditTrail;
  readonly limits: Limits;
  readonly passwords: PasswordHasher;
}
