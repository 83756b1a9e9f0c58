import { logIn, remoteOptions, urlOf } from "../api.ts";
import { postForm } from "../call.ts";
import type { Command } from "../command.ts";
import { instant } from "../printer.ts";
import { forgetSession, keepSession, readSession } from "../session.ts";

/** A short session, so that not every command asks for a password. */
export const sessionCommands: readonly Command[] = [
  {
    name: "login",
    summary: "Log in once for the commands that follow: until the access token expires, or logout",
    options: { ...remoteOptions, username: { kind: "text", summary: "COUNTERSIGN_USERNAME, or admin" } },
    examples: ["countersign login", "countersign login --url https://id.example.com --username alice"],
    async run(run) {
      const { world, print, given } = run;
      const url = urlOf(run);
      const login = await logIn(run, url, given.text("username"));
      const { accessToken, username, expiresIn } = await login();
      const expiresAt = world.clock.now() + expiresIn * 1000;
      await keepSession(world, { url, username, accessToken, expiresAt });
      const until = Math.floor(expiresAt / 1000);
      print.done({ username, url, expires_at: until }, `logged in as ${username} until ${instant(until)}`);
    },
  },
  {
    name: "logout",
    summary: "End the session of login",
    options: remoteOptions,
    async run(run) {
      const url = urlOf(run);
      const session = await readSession(run.world, url);
      await forgetSession(run.world, url);
      if (session !== undefined) {
        await postForm(`${url}/oauth/revoke`, { token: session.accessToken, client_id: "loopback" });
      }
      const what = session === undefined ? "there was no session" : "logged out";
      run.print.done({ url, ended: session !== undefined }, what);
    },
  },
];
