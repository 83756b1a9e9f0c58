import { type ReadPrivateOptions, readPrivate } from "../caches/secure-file.ts";
import { TokenError } from "../errors.ts";
import { readJwtTimes } from "../json.ts";
import type { LifetimePolicy } from "../lifetime.ts";
import { readAliriRecord } from "../record.ts";
import type { TokenIdentity, TokenSource } from "../source.ts";
import { createToken, type Token } from "../token.ts";

/** Options of {@link fileSource}. */
export interface FileSourceOptions extends ReadPrivateOptions {
  /** The file, which is read anew for each request. */
  readonly path: string;
  /** What tells this token from others. @default the path */
  readonly identity?: TokenIdentity;
  /** When a token is stale. @default adaptiveLifetime() */
  readonly lifetime?: LifetimePolicy;
}

/**
 * A token that somebody else writes to a file: a bare JWT with `exp` (a platform's service account token), or the JSON of
 * aliri_tokens.
 *
 * @example
 * ```ts run
 * import { mkdtemp, rm, writeFile } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { TokenWatcher } from "@countersign/token-keeper";
 * import { fileSource } from "@countersign/token-keeper/node";
 * const folder = await mkdtemp(join(tmpdir(), "token-"));
 * const now = Math.floor(Date.now() / 1000);
 * const token = { access_token: "abc", issued: now, stale: now + 60, expiry: now + 90 };
 * await writeFile(join(folder, "token.json"), JSON.stringify(token), { mode: 0o600 });
 * await using watcher = await TokenWatcher.start(fileSource({ path: join(folder, "token.json") }));
 * console.log(watcher.token().authorization()); // Bearer abc
 * await rm(folder, { recursive: true });
 * ```
 */
export function fileSource(options: FileSourceOptions): TokenSource {
  const { path, identity = { issuer: "file", clientId: path, grant: "file" } } = options;
  return {
    identity,
    async request({ clock }): Promise<Token> {
      const text = (await readPrivate(path, options))?.trim() ?? "";
      const token = readAliriRecord(text) ?? readJwt(text, clock.now(), options.lifetime);
      if (token === undefined)
        throw new TokenError(
          "invalid_response",
          `Cannot find a JWT with exp, or the JSON of aliri_tokens, in: ${path}`,
        );
      return token;
    },
  };
}

function readJwt(text: string, now: number, policy: LifetimePolicy | undefined): Token | undefined {
  const times = readJwtTimes(text);
  if (times?.expiresAt === undefined || !/^[\w.-]+$/.test(text)) return undefined;
  const issuedAt = Math.min(times.issuedAt ?? now, now, times.expiresAt);
  return createToken({ accessToken: text }, { issuedAt, lifetimeMs: times.expiresAt - issuedAt }, policy);
}
