import type { FamilyRecord, UserRecord } from "../store/records.ts";

/** Whether a login is this user's, who is not disabled, and not older than a change of theirs that ended all. */
export function isLoginOf(
  family: Pick<FamilyRecord, "userIncarnation" | "userEpoch">,
  user: Pick<UserRecord, "disabled" | "incarnation" | "epoch">,
): boolean {
  return !user.disabled && family.userIncarnation === user.incarnation && family.userEpoch === user.epoch;
}
