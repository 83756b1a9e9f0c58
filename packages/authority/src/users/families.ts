import { CountersignError, defined } from "@countersign/protocol";
import type { RecordedEdit } from "../audit/trail.ts";
import { keys, owners } from "../store/keys.ts";
import type { FamilyRecord } from "../store/records.ts";
import type { Item } from "../store/store.ts";
import { isId } from "../values/id.ts";
import { isLoginOf } from "./login.ts";
import { readUser, type UserServiceOptions } from "./user-items.ts";

const PAGE_SIZE = 1000;

/** The families of a user that still can be refreshed. */
export async function families(
  { store, clock }: UserServiceOptions,
  userId: string,
): Promise<readonly Item<FamilyRecord>[]> {
  const user = (await readUser(store, userId))?.value;
  if (user === undefined) return [];
  const now = clock.now();
  const isLive = ({ value: family }: Item<FamilyRecord>) =>
    family.revokedAt === undefined && isLoginOf(family, user) && now < family.idleExpiresAt;
  const live: Item<FamilyRecord>[] = [];
  let after: string | undefined;
  for (;;) {
    const page: readonly Item<FamilyRecord>[] = await store.list(owners.familiesOf(userId), {
      limit: PAGE_SIZE,
      ...defined({ after }),
    });
    live.push(...page.filter(isLive));
    after = page.at(-1)?.key;
    if (page.length < PAGE_SIZE) return live;
  }
}

/** Logs one device out. A family that is revoked already stays as it is; one of another user is treated as unknown. */
export async function revokeFamily(
  { clock, audit }: UserServiceOptions,
  userId: string,
  familyId: string,
  actor: string,
): Promise<void> {
  if (!isId(familyId)) throw new CountersignError("not_found");
  await audit.update<FamilyRecord, RecordedEdit<FamilyRecord>>(keys.family(familyId), (item) => {
    if (item?.value.userId !== userId) throw new CountersignError("not_found");
    const { value, owner, expiresAt } = item;
    if (value.revokedAt !== undefined) return undefined;
    const draft = {
      value: { ...value, revokedAt: clock.now(), revokedBecause: "administrator" as const },
      ...defined({ owner, expiresAt }),
    };
    return { draft, events: [{ name: "family.revoked", fields: { familyId, userId, actor } }] };
  });
}
