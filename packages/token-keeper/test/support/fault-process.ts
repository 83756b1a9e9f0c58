/** A process that keeps a token, or a login, until somebody kills it; it tells its parent each token it is handed. */
import {
  cachedSource,
  clientCredentialsSource,
  publicClient,
  refreshTokenSource,
  systemClock,
  TokenWatcher,
} from "@countersign/token-keeper";
import { fileCache } from "@countersign/token-keeper/node";
import { aContext } from "./context.ts";

const { ENDPOINT = "", FOLDER = "", LOGIN = "", CLIENT = "client" } = process.env;
const cache = fileCache({ folder: FOLDER });
// The server learns which process asks: it kills the one that holds the lease.
const withPid = (input: string, init: RequestInit) => {
  const headers = new Headers(init.headers);
  headers.set("x-pid", `${process.pid}`);
  return fetch(input, { ...init, headers });
};
const common = { tokenEndpoint: ENDPOINT, client: publicClient(CLIENT), fetch: withPid };
process.on("disconnect", () => process.exit());

if (LOGIN === "") {
  const source = cachedSource(clientCredentialsSource(common), { caches: [cache] });
  const watcher = await TokenWatcher.start(source, { minIntervalMs: 100 });
  setInterval(() => {
    watcher.getToken({ timeoutMs: 10_000 }).then(
      (token) => process.send?.({ token: token.accessToken.reveal(), at: systemClock.now() }),
      (error) => process.send?.({ error: error.code }),
    );
  }, 20);
} else {
  const login = refreshTokenSource({ ...common, subject: "ada", refreshToken: LOGIN, store: cache });
  for (;;) {
    const { clock } = aContext({ clock: systemClock });
    await login.request(aContext({ clock })).then(
      (token) => process.send?.({ token: token.accessToken.reveal(), at: clock.now() }),
      (error) => process.send?.({ error: error.code }),
    );
  }
}
