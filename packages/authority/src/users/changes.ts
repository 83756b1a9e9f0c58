import { CountersignError } from "@countersign/protocol";
import type { RecordedEdit } from "../audit/trail.ts";
import { checkScopes } from "../scope.ts";
import { keys } from "../store/keys.ts";
import type { UserRecord } from "../store/records.ts";
import { checkNewPassword } from "./password-text.ts";
import { checkProof } from "./proof.ts";
import { guardUserChange } from "./superuser-path.ts";
import { releaseOf, required, requireUser, userDraft } from "./user-items.ts";
import type { UserServiceOptions } from "./user-service-options.ts";
import type { UserService } from "./users.ts";

type Changes = Pick<UserService, "setPassword" | "setScopes" | "setDisabled" | "revokeAllFamilies" | "delete">;

/** The changes of one user. */
export function changes(options: UserServiceOptions): Changes {
  const { store, audit, limits, passwords } = options;
  return {
    async setPassword(userId, password, actor, proof) {
      const { username } = (await requireUser(store, userId)).value;
      const credential = await passwords.hash(checkNewPassword(password, username));
      const user = await change(options, userId, { what: "password", actor }, async (before) => {
        await checkProof(options, before, proof);
        return withNewEpoch(before, { credential });
      });
      await limits.clearLogin(user.username);
      return user;
    },
    async setScopes(userId, scopes, actor) {
      const checked = checkScopes(scopes);
      return change(options, userId, { what: "scopes", actor }, (user) => withNewEpoch(user, { scopes: checked }));
    },
    setDisabled(userId, disabled, actor) {
      const what = disabled ? "disabled" : "enabled";
      return change(options, userId, { what, actor }, (user) => withNewEpoch(user, { disabled }));
    },
    async revokeAllFamilies(userId, actor) {
      await change(options, userId, { what: "logins", actor }, (user) => withNewEpoch(user, {}));
    },
    async delete(userId, actor) {
      await requireUser(store, userId);
      await audit.update<UserRecord, RecordedEdit<UserRecord>>(keys.user(userId), async (item) => {
        const found = required(item);
        const guards = await guardUserChange(store, { item: found, after: undefined });
        const also = [await releaseOf(store, found.value.username), ...guards];
        return { also, events: [{ name: "user.deleted", fields: { userId, actor } }] };
      });
    },
  };
}

/** Refresh families made under the old epoch are dead from this write on. */
function withNewEpoch(user: UserRecord, fields: Partial<UserRecord>): UserRecord {
  return { ...user, ...fields, epoch: user.epoch + 1 };
}

interface ChangedUser extends RecordedEdit<UserRecord> {
  readonly changed: UserRecord;
}

async function change(
  { store, audit }: UserServiceOptions,
  userId: string,
  told: { readonly what: string; readonly actor: string },
  edit: (user: UserRecord) => UserRecord | Promise<UserRecord>,
): Promise<UserRecord> {
  await requireUser(store, userId);
  const made = await audit.update<UserRecord, ChangedUser>(keys.user(userId), async (item) => {
    const found = required(item);
    const changed = await edit(found.value);
    const also = await guardUserChange(store, { item: found, after: changed });
    const events = [{ name: "user.changed", fields: { userId, ...told } }] as const;
    return { draft: userDraft(changed), also, events, changed };
  });
  if (made === undefined) throw new CountersignError("not_found");
  return made.changed;
}
