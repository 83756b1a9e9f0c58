import { type Api, apiPath, openApi, remoteOptions } from "../api.ts";
import { Refusal } from "../call.ts";
import type { Command, Run } from "../command.ts";
import { usageFailure } from "../failure.ts";
import { objectsIn, textIn } from "../json-members.ts";
import { listingOptions, printListing } from "../listing.ts";
import { instant, memberLines } from "../printer.ts";
import { newPassword, passwordOptions } from "../prompt.ts";
import { resetPassword } from "./reset-password.ts";

const user = [{ name: "user", summary: "Username or user id" }];

/** People. */
export const userCommands: readonly Command[] = [
  {
    name: "user list",
    summary: "List users",
    options: listingOptions,
    run: (run) =>
      printListing(run, {
        path: "/api/v1/user",
        member: "users",
        columns: {
          ID: (row) => row.user_id,
          USERNAME: (row) => row.username,
          NAME: (row) => row.full_name,
          SCOPES: (row) => row.scopes,
          STATE: (row) => (row.disabled === true ? "disabled" : "enabled"),
        },
      }),
  },
  {
    name: "user show",
    summary: "Show a user",
    positionals: user,
    options: remoteOptions,
    async run(run) {
      const api = await openApi(run);
      const found = await api.get(apiPath`/api/v1/user/${await userId(run, api)}`);
      run.print.data(found, () => memberLines({ ...found, created_at: instant(found.created_at) }));
    },
  },
  {
    name: "user create",
    summary: "Create a user, whatever the registration mode",
    positionals: [{ name: "username", summary: "The name to log in with" }],
    options: {
      ...remoteOptions,
      ...passwordOptions,
      name: { kind: "text", summary: "Full name; the username by default" },
      scopes: { kind: "list", value: "SCOPE", summary: "Permission levels" },
    },
    async run(run) {
      const { given, print } = run;
      const api = await openApi(run);
      const username = given.required("username");
      const password = await newPassword(run);
      const made = await api.send("POST", "/api/v1/user", {
        username,
        password,
        full_name: given.text("name") ?? username,
        scopes: given.list("scopes") ?? [],
      });
      const shown = given.flag("generate") ? { ...made, password } : made;
      print.data(shown, () => [
        `user id: ${made.user_id}`,
        ...(given.flag("generate") ? [`password: ${password}`] : []),
      ]);
    },
  },
  {
    name: "user set-password",
    summary: "Set a user's password; ends all logins",
    positionals: user,
    options: { ...remoteOptions, ...passwordOptions },
    async run(run) {
      const api = await openApi(run);
      const id = await userId(run, api);
      const password = await newPassword(run);
      await api.send("PUT", apiPath`/api/v1/user/${id}/password`, { new_password: password });
      const made = run.given.flag("generate") ? { password } : {};
      run.print.done({ changed: id, ...made }, `changed ${id}`);
      if (run.given.flag("generate") && !run.print.json) run.print.text(`password: ${password}\n`);
    },
  },
  resetPassword,
  {
    name: "user set-scopes",
    summary: "Set a user's permission levels; ends all logins",
    positionals: [{ name: "username", summary: "Username" }],
    options: {
      ...remoteOptions,
      scopes: { kind: "list", value: "SCOPE", summary: "Permission levels; empty for none" },
    },
    async run(run) {
      const scopes = run.given.list("scopes");
      if (scopes === undefined) throw usageFailure("--scopes is missing", "countersign user set-scopes --help");
      const username = run.given.required("username");
      await (await openApi(run)).send("PATCH", apiPath`/api/v1/username/${username}/scopes`, { scopes });
      run.print.done({ changed: username }, `changed ${username}`);
    },
  },
  {
    name: "user disable",
    summary: "Refuse a user's logins and end those there are",
    positionals: user,
    options: remoteOptions,
    run: (run) => setDisabled(run, true),
  },
  {
    name: "user enable",
    summary: "Accept a user's logins again",
    positionals: user,
    options: remoteOptions,
    run: (run) => setDisabled(run, false),
  },
  {
    name: "user delete",
    summary: "Delete a user; the name becomes free",
    positionals: user,
    options: remoteOptions,
    async run(run) {
      const api = await openApi(run);
      const id = await userId(run, api);
      await api.send("DELETE", apiPath`/api/v1/user/${id}`);
      run.print.done({ deleted: id }, `deleted ${id}`);
    },
  },
  {
    name: "user tokens",
    summary: "List a user's logins: one a device",
    positionals: user,
    options: remoteOptions,
    async run(run) {
      const api = await openApi(run);
      const response = await api.get(apiPath`/api/v1/user/${await userId(run, api)}/tokens`);
      run.print.table(objectsIn(response, "tokens"), {
        LOGIN: (row) => row.family_id,
        DEVICE: (row) => row.device_name,
        CLIENT: (row) => row.client_id,
        "LAST USED": (row) => instant(row.last_used_at),
        EXPIRES: (row) => instant(row.expires_at),
      });
    },
  },
  {
    name: "user revoke",
    summary: "End one of a user's logins, or all of them",
    positionals: [...user, { name: "login", summary: "As user tokens lists it; all when absent", required: false }],
    options: remoteOptions,
    async run(run) {
      const api = await openApi(run);
      const id = await userId(run, api);
      const login = run.given.text("login");
      const path =
        login === undefined ? apiPath`/api/v1/user/${id}/tokens` : apiPath`/api/v1/user/${id}/tokens/${login}`;
      await api.send("DELETE", path);
      run.print.done(
        { ended: login ?? "all", user: id },
        login === undefined ? `ended all logins of ${id}` : `ended ${login}`,
      );
    },
  },
];

async function setDisabled(run: Run, disabled: boolean): Promise<void> {
  const api = await openApi(run);
  const id = await userId(run, api);
  await api.send("PATCH", apiPath`/api/v1/user/${id}`, { disabled });
  const change = disabled ? "disabled" : "enabled";
  run.print.done({ [change]: id }, `${change} ${id}`);
}

/** What the authority says of a word that is nobody's name, or can be none. */
const isNoName: ReadonlySet<string> = new Set(["not_found", "invalid_username"]);

/** The id of the user meant: a name is looked up, and what no name is is taken for an id. */
async function userId({ given }: Run, api: Api): Promise<string> {
  const word = given.required("user");
  const found = await api.get(apiPath`/api/v1/username/${word}`).catch((error: unknown) => {
    if (error instanceof Refusal && isNoName.has(error.code)) return {};
    throw error;
  });
  return textIn(found, "user_id") ?? word;
}
