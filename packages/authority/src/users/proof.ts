import { CountersignError } from "@countersign/protocol";
import type { UserRecord } from "../store/records.ts";
import { opaquePassword } from "./password-text.ts";
import type { UserServiceOptions } from "./user-service-options.ts";
import type { Proof } from "./users.ts";

/**
 * Makes sure that a password which proved a change still is the user's when the change is committed: of several changes
 * that prove the same password one happens, and the others are refused as any wrong password is.
 *
 * @throws {CountersignError} `invalid_grant`
 */
export async function checkProof(
  { passwords }: Pick<UserServiceOptions, "passwords">,
  user: UserRecord,
  proof: Proof | undefined,
): Promise<void> {
  if (proof === undefined || proof.credential === user.credential) return;
  // Another hash need not be another password: a login may have made it anew.
  const password = opaquePassword(proof.password);
  if (password !== undefined && (await passwords.verify(password, user.credential))) return;
  throw new CountersignError("invalid_grant", { detail: "the password was changed meanwhile" });
}
