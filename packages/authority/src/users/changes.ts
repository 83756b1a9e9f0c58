import { CountersignError } from "@countersign/protocol";
import { checkScopes } from "../scope.ts";
import { keys } from "../store/keys.ts";
import type { UsernameClaim, UserRecord } from "../store/records.ts";
import { checkNewPassword } from "./password-text.ts";
import { requireUser, userDraft } from "./user-items.ts";
import type { UserServiceOptions } from "./user-service-options.ts";
import type { UserService } from "./users.ts";

/** Lost races in a row before giving up. */
const mostRaces = 16;

type Changes = Pick<UserService, "setPassword" | "setScopes" | "setDisabled" | "revokeAllFamilies" | "delete">;

/** The changes of one user that need no other item. */
export function changes(options: UserServiceOptions): Changes {
  const { store, audit, limits, passwords } = options;
  return {
    async setPassword(userId, password, actor) {
      const { username } = (await requireUser(store, userId)).value;
      const credential = await passwords.hash(checkNewPassword(password, username));
      const user = await change(options, userId, { what: "password", actor }, withNewEpoch({ credential }));
      await limits.clearLogin(user.username);
      return user;
    },
    async setScopes(userId, scopes, actor) {
      return change(options, userId, { what: "scopes", actor }, withNewEpoch({ scopes: checkScopes(scopes) }));
    },
    setDisabled(userId, disabled, actor) {
      const what = disabled ? "disabled" : "enabled";
      return change(options, userId, { what, actor }, withNewEpoch({ disabled }));
    },
    async revokeAllFamilies(userId, actor) {
      await change(options, userId, { what: "logins", actor }, withNewEpoch({}));
    },
    async delete(userId, actor) {
      await requireUser(store, userId);
      await audit.record("user.deleted", { userId, actor });
      for (let race = 0; race < mostRaces; race++) {
        const { value, version } = await requireUser(store, userId);
        const claim = await store.get<UsernameClaim>(keys.username(value.username));
        if ((await store.take(keys.user(userId), version)) === undefined) continue;
        if (claim !== undefined) await store.take(claim.key, claim.version);
        return;
      }
      throw new CountersignError("conflict");
    },
  };
}

type Edit = (user: UserRecord) => UserRecord;

/** Refresh families made under the old epoch are dead from this write on. */
function withNewEpoch(fields: Partial<UserRecord>): Edit {
  return (user) => ({ ...user, ...fields, epoch: user.epoch + 1 });
}

async function change(
  { store, audit }: UserServiceOptions,
  userId: string,
  told: { readonly what: string; readonly actor: string },
  edit: Edit,
): Promise<UserRecord> {
  await requireUser(store, userId);
  await audit.record("user.changed", { userId, ...told });
  for (let race = 0; race < mostRaces; race++) {
    const { value, version } = await requireUser(store, userId);
    const changed = edit(value);
    if ((await store.swap(keys.user(userId), version, userDraft(changed))) !== undefined) return changed;
  }
  throw new CountersignError("conflict");
}
