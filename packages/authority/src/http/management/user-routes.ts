import { CountersignError, defined } from "@countersign/protocol";
import { z } from "zod";
import type { FamilyRecord, UserRecord } from "../../store/records.ts";
import { displayNameSchema } from "../../values/display-name.ts";
import { passwordSchema } from "../../values/password.ts";
import { scopesSchema } from "../../values/scope.ts";
import { usernameSchema } from "../../values/username.ts";
import type { Call, Route } from "../route.ts";
import { requireSelf } from "./actor.ts";
import { operation } from "./operation.ts";
import { nextPage, pageQuery, readPage } from "./paging.ts";
import { deviceView, userView } from "./shapes.ts";

const TAG = "Users";
const ONE = "/api/v1/user/:id";

/** People by their id: for themselves and for administrators. */
export const userRoutes: readonly Route[] = [
  operation({
    method: "GET",
    path: "/api/v1/user",
    summary: "List users, or search them by name",
    tag: TAG,
    access: "superuser",
    query: pageQuery,
    result: z.object({ users: z.array(userView), next: nextPage }),
    async run({ query, services: { users } }) {
      const { rows, more } = await readPage(query, users.list, ({ userId }) => userId);
      return { users: rows.map(userJson), ...more };
    },
  }),
  operation({
    method: "POST",
    path: "/api/v1/user",
    summary: "Create a user with scopes, whatever the registration mode",
    tag: TAG,
    access: "superuser",
    body: z.strictObject({
      username: usernameSchema,
      password: passwordSchema,
      full_name: displayNameSchema,
      scopes: scopesSchema.default([]),
    }),
    result: z.object({ user_id: z.string() }),
    async run({ body, actor, services }) {
      const registration = { ...body, fullName: body.full_name };
      return { user_id: (await services.users.register(registration, actor.name)).userId };
    },
  }),
  operation({
    method: "GET",
    path: ONE,
    summary: "Show a user",
    tag: TAG,
    access: "token",
    result: userView,
    async run({ params, actor, services }) {
      requireSelf(actor, params.id);
      return userJson(await existing(services.users.byId(params.id ?? "")));
    },
  }),
  operation({
    method: "PATCH",
    path: ONE,
    summary: "Disable or enable a user; disabling ends all logins",
    tag: TAG,
    access: "superuser",
    body: z.strictObject({ disabled: z.boolean() }),
    async run({ params, body, actor, services }) {
      await services.users.setDisabled(params.id ?? "", body.disabled, actor.name);
    },
  }),
  operation({
    method: "DELETE",
    path: ONE,
    summary: "Delete a user; the name becomes free",
    tag: TAG,
    access: "superuser",
    run: ({ params, actor, services }) => services.users.delete(params.id ?? "", actor.name),
  }),
  operation({
    method: "PUT",
    path: `${ONE}/password`,
    summary: "Set a user's password; ends all logins",
    tag: TAG,
    access: "superuser",
    body: z.strictObject({ new_password: passwordSchema }),
    async run({ params, body, actor, services }) {
      await services.users.setPassword(params.id ?? "", body.new_password, actor.name);
    },
  }),
  operation({
    method: "GET",
    path: `${ONE}/tokens`,
    summary: "List a user's logins: one a device",
    tag: TAG,
    access: "token",
    result: z.object({ tokens: z.array(deviceView) }),
    async run({ params, actor, services }) {
      requireSelf(actor, params.id);
      const user = await existing(services.users.byId(params.id ?? ""));
      const families = await services.users.families(user.userId);
      return { tokens: families.map((item) => deviceJson(item.value)) };
    },
  }),
  operation({
    method: "DELETE",
    path: `${ONE}/tokens`,
    summary: "End all of a user's logins",
    tag: TAG,
    access: "token",
    async run({ params, actor, services }) {
      requireSelf(actor, params.id);
      await services.users.revokeAllFamilies(params.id ?? "", actor.name);
    },
  }),
  operation({
    method: "DELETE",
    path: `${ONE}/tokens/:family`,
    summary: "End one of a user's logins",
    tag: TAG,
    access: "token",
    async run({ params, actor, services }) {
      requireSelf(actor, params.id);
      await services.users.revokeFamily(params.id ?? "", params.family ?? "", actor.name);
    },
  }),
];

const BY_NAME = "/api/v1/username/:username";

/** People by their name, as they know themselves. */
export const usernameRoutes: readonly Route[] = [
  operation({
    method: "GET",
    path: BY_NAME,
    summary: "The id of a user: for the owner of the name and for administrators",
    tag: TAG,
    access: "token",
    result: z.object({ user_id: z.string() }),
    async run({ params, actor, services }) {
      const user = await services.users.byUsername(params.username ?? "");
      requireSelf(actor, user?.userId);
      return { user_id: (await existing(Promise.resolve(user))).userId };
    },
  }),
  operation({
    method: "PATCH",
    path: BY_NAME,
    summary: "Change one's username; proved by the current password",
    tag: TAG,
    access: "none",
    body: z.strictObject({
      new_username: usernameSchema,
      current_password: passwordSchema,
      new_password: passwordSchema.optional(),
    }),
    async run(call) {
      const { body, services } = call;
      const user = await authenticated(call, body.current_password);
      const { new_username: newName, new_password: wanted } = body;
      const password = wanted === undefined || wanted === body.current_password ? {} : { password: wanted };
      const proof = { password: body.current_password, credential: user.credential };
      await services.users.rename(user.userId, { username: newName, ...password }, user.userId, proof);
    },
  }),
  operation({
    method: "PATCH",
    path: `${BY_NAME}/password`,
    summary: "Change one's password; proved by the current one; ends all logins",
    tag: TAG,
    access: "none",
    body: z.strictObject({ current_password: passwordSchema, new_password: passwordSchema }),
    async run(call) {
      const user = await authenticated(call, call.body.current_password);
      const proof = { password: call.body.current_password, credential: user.credential };
      await call.services.users.setPassword(user.userId, call.body.new_password, user.userId, proof);
    },
  }),
  operation({
    method: "PATCH",
    path: `${BY_NAME}/scopes`,
    summary: "Set a user's permission levels; ends all logins",
    tag: TAG,
    access: "superuser",
    body: z.strictObject({ scopes: scopesSchema }),
    async run({ params, body, actor, services }) {
      const user = await existing(services.users.byUsername(params.username ?? ""));
      await services.users.setScopes(user.userId, body.scopes, actor.name);
    },
  }),
];

/** The label under which attempts at a password outside the token endpoint are counted. */
const SELF_SERVICE = "self-service";

async function authenticated({ params, peer, services }: Call, currentPassword: string): Promise<UserRecord> {
  return services.users.authenticate({
    username: params.username ?? "",
    password: currentPassword,
    clientId: SELF_SERVICE,
    ...defined({ address: peer.address }),
  });
}

async function existing(user: Promise<UserRecord | undefined>): Promise<UserRecord> {
  const found = await user;
  if (found === undefined) throw new CountersignError("not_found");
  return found;
}

function userJson(user: UserRecord) {
  return {
    user_id: user.userId,
    username: user.username,
    full_name: user.fullName,
    scopes: [...user.scopes],
    disabled: user.disabled,
    created_at: Math.floor(user.createdAt / 1000),
  };
}

function deviceJson(family: FamilyRecord) {
  return {
    family_id: family.familyId,
    client_id: family.clientId,
    device_name: family.deviceName,
    scopes: [...family.scopes],
    created_at: Math.floor(family.createdAt / 1000),
    last_used_at: Math.floor(family.rotatedAt / 1000),
    expires_at: Math.floor(family.idleExpiresAt / 1000),
  };
}
