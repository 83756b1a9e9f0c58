/**
 * The general flow: client credentials, a file cache, a watcher that refreshes up to a minute early and backs off after
 * errors, and the first access token.
 *
 *   ISSUER=… CLIENT_ID=… CLIENT_SECRET=… AUDIENCE=… TOKEN_FOLDER=… \
 *     npx --no-install node -C @countersign/source examples/token-keeper/general-flow.ts
 */
import {
  cachedSource,
  clientCredentialsSource,
  exponentialBackoff,
  randomEarlyJitter,
  secretBasic,
  TokenWatcher,
} from "@countersign/token-keeper";
import { fileCache } from "@countersign/token-keeper/node";

const {
  ISSUER = "http://localhost:8080",
  CLIENT_ID = "",
  CLIENT_SECRET = "",
  AUDIENCE = "",
  TOKEN_FOLDER = "tokens",
} = process.env;

const source = clientCredentialsSource({
  issuer: ISSUER,
  client: secretBasic(CLIENT_ID, CLIENT_SECRET),
  resource: [AUDIENCE],
});

await using watcher = await TokenWatcher.start(
  cachedSource(source, { caches: [fileCache({ folder: TOKEN_FOLDER })] }),
  {
    jitter: randomEarlyJitter(60_000),
    backoff: exponentialBackoff(),
  },
);

const token = watcher.token();
console.log(
  `first token: ${token.statusAt(Date.now())}, ${token.lifetimeMs / 1000} s, printed as ${token.accessToken}`,
);
