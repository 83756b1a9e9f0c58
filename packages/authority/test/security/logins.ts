import type { TestResponse } from "../../src/testing.ts";
import type { Scene } from "./table.ts";

export const invalidGrant = { status: 400, error: "invalid_grant" };
export const invalidScope = { status: 400, error: "invalid_scope" };

/** The form of a login of alice on the app. */
export const passwordForm = (scene: Scene, more: Readonly<Record<string, string>> = {}) => ({
  grant_type: "password",
  client_id: scene.app.id,
  username: scene.alice.username,
  password: scene.alice.password,
  ...more,
});

/** The refresh token of an answer. */
export const refreshOf = (answer: TestResponse) => String(answer.body.refresh_token);
