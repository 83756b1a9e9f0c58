import { CountersignError } from "@countersign/protocol";
import { z } from "zod";
import { createInvitations } from "../../users/invitations.ts";
import { displayNameSchema } from "../../values/display-name.ts";
import { lifetimeSchema } from "../../values/lifetime.ts";
import { passwordSchema } from "../../values/password.ts";
import { usernameSchema } from "../../values/username.ts";
import type { Route } from "../route.ts";
import { operation } from "./operation.ts";

const TAG = "Users";

/** How often one address may register. */
const PER_MINUTE = 10;

/** How people become users. */
export const registrationRoutes: readonly Route[] = [
  operation({
    method: "POST",
    path: "/api/v1/register",
    summary: "Register; open, closed or by invitation, as configured",
    tag: TAG,
    access: "none",
    body: z.strictObject({
      username: usernameSchema,
      password: passwordSchema,
      full_name: displayNameSchema,
      invitation: z.string().max(256).optional(),
    }),
    async run({ body, peer, services }) {
      const { mode, scopes: initial } = services.config.registration;
      if (mode === "closed") throw new CountersignError("registration_closed");
      await services.limits.countAddress("register", peer.address, PER_MINUTE);
      const invitation = mode === "invitation" ? { invitation: body.invitation ?? "" } : {};
      const person = { username: body.username, password: body.password, fullName: body.full_name };
      await services.users.register({ ...person, scopes: initial, ...invitation }, "registration");
    },
  }),
  operation({
    method: "POST",
    path: "/api/v1/invitation",
    summary: "Invite somebody to register; the code works once",
    tag: TAG,
    access: "superuser",
    body: z.strictObject({ expires_in: lifetimeSchema("invitation").default(604_800) }),
    result: z.object({ invitation: z.string(), expires_at: z.number().int() }),
    async run({ body, actor, services }) {
      const { invitation, code } = await createInvitations(services).create(body.expires_in * 1000, actor.name);
      return { invitation: code, expires_at: Math.floor(invitation.expiresAt / 1000) };
    },
  }),
];
