import { CountersignError } from "@countersign/protocol";
import { isId } from "../id.ts";
import { keys, owners } from "../store/keys.ts";
import type { FamilyRecord } from "../store/records.ts";
import type { Item } from "../store/store.ts";
import { readUser } from "./user-items.ts";
import type { UserServiceOptions } from "./user-service-options.ts";

/** Lost races in a row before giving up: a device may be refreshing at the same moment. */
const mostRaces = 32;
const pageSize = 1000;

/** The families of a user that still can be refreshed. */
export async function families(
  { store, clock }: UserServiceOptions,
  userId: string,
): Promise<readonly Item<FamilyRecord>[]> {
  const user = (await readUser(store, userId))?.value;
  if (user === undefined || user.disabled) return [];
  const now = clock.now();
  const isLive = ({ value: family }: Item<FamilyRecord>) =>
    family.revokedAt === undefined &&
    family.userEpoch === user.epoch &&
    now < Math.min(family.idleExpiresAt, family.absoluteExpiresAt);
  const live: Item<FamilyRecord>[] = [];
  let after: string | undefined;
  for (;;) {
    const page: readonly Item<FamilyRecord>[] = await store.list(owners.familiesOf(userId), {
      limit: pageSize,
      ...(after === undefined ? {} : { after }),
    });
    live.push(...page.filter(isLive));
    after = page.at(-1)?.key;
    if (page.length < pageSize) return live;
  }
}

/** Logs one device out. A family that is revoked already stays as it is; one of another user is as good as none. */
export async function revokeFamily(
  { store, clock, audit }: UserServiceOptions,
  userId: string,
  familyId: string,
  actor: string,
): Promise<void> {
  let isRecorded = false;
  for (let race = 0; race < mostRaces; race++) {
    const item = isId(familyId) ? await store.get<FamilyRecord>(keys.family(familyId)) : undefined;
    if (item?.value.userId !== userId) throw new CountersignError("not_found");
    if (item.value.revokedAt !== undefined) return;
    if (!isRecorded) await audit.record("family.revoked", { familyId, userId, actor });
    isRecorded = true;
    const value: FamilyRecord = { ...item.value, revokedAt: clock.now(), revokedBecause: "administrator" };
    const { owner, expiresAt } = item;
    const draft = {
      value,
      ...(owner === undefined ? {} : { owner }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
    if ((await store.swap(item.key, item.version, draft)) !== undefined) return;
  }
  throw new CountersignError("conflict");
}
