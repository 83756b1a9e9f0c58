import type { TokenCache } from "../cache.ts";
import { TokenError } from "../errors.ts";
import { GuardedCache } from "../guarded-cache.ts";
import { member, numberMember, parseObject, stringMember } from "../json.ts";
import { type TokenIdentity, tokenKey } from "../key.ts";
import { waitForLease } from "../lease.ts";
import { Secret } from "../secret.ts";
import type { SourceContext } from "../source.ts";
import type { Token } from "../token.ts";

/** Which login it is. */
export interface Login {
  readonly whose: TokenIdentity;
  readonly initial: Secret;
  /** SHA-256 of the refresh token it began with, base64url. */
  readonly fingerprint: string;
}

interface RotationOptions {
  readonly store: TokenCache;
  readonly timeoutMs: number | undefined;
  readonly storeTimeoutMs: number | undefined;
}

interface StoredLogin {
  readonly refreshToken: Secret;
  readonly generation: number;
}

/** What the sources of one login in this process have in common, as long as one is at work or something is unstored. */
export interface SharedLogin {
  users: number;
  turn: Promise<unknown>;
  /** Got from the server, not yet stored: its access token is not handed out before it is, and to whoever asked for it. */
  unstored: { readonly login: StoredLogin; readonly token: Token; readonly key: string } | undefined;
}

interface Refresh {
  readonly context: SourceContext;
  /** Of the access token that is wanted. */
  readonly key: string;
  readonly shared: SharedLogin;
  request(
    refreshToken: Secret,
    context: SourceContext,
  ): Promise<{ token: Token; response: { refreshToken: string | undefined } }>;
}

const sharedLogins = new WeakMap<TokenCache, Map<string, SharedLogin>>();

/** The refresh tokens of one login, one after the other. */
export class Rotation {
  readonly #login: Login;
  readonly #key: string;
  /** Where entries are that all logins of a subject had in common. */
  readonly #commonKey: string;
  readonly #store: GuardedCache;
  readonly #leaseMs: number;
  readonly #shared: Map<string, SharedLogin>;
  #latest: StoredLogin | undefined;

  constructor(login: Login, { store, timeoutMs = 10_000, storeTimeoutMs = 5_000 }: RotationOptions) {
    this.#login = login;
    this.#key = `login:${tokenKey({ ...login.whose, partition: login.fingerprint })}`;
    this.#commonKey = `login:${tokenKey(login.whose)}`;
    this.#store = new GuardedCache(store, storeTimeoutMs);
    // Longer than all that is done under it: discovery, two grants, writing and reading two entries, all that twice.
    this.#leaseMs = 4 * timeoutMs + 8 * storeTimeoutMs;
    this.#shared = sharedLogins.get(store) ?? new Map();
    sharedLogins.set(store, this.#shared);
  }

  /** One rotation at a time: under a lease where the store grants them, else within this process. */
  async exclusively(context: SourceContext, run: (shared: SharedLogin) => Promise<Token>): Promise<Token> {
    const shared = this.#shared.get(this.#key) ?? { users: 0, turn: Promise.resolve(), unstored: undefined };
    this.#shared.set(this.#key, shared);
    shared.users++;
    try {
      if (this.#store.leases) return await this.#underLease(context, () => run(shared));
      const turn = shared.turn.then(() => run(shared));
      shared.turn = turn.catch(() => undefined);
      return await turn;
    } finally {
      shared.users--;
      if (shared.users === 0 && shared.unstored === undefined) this.#shared.delete(this.#key);
    }
  }

  async #underLease(context: SourceContext, run: () => Promise<Token>): Promise<Token> {
    const [cache, key, ttlMs] = [this.#store, this.#key, this.#leaseMs];
    const { lease } = await waitForLease(context, { cache, key, ttlMs, giveUp: async () => undefined });
    // A token that is spent now could neither be protected from a sibling nor, it seems, be stored.
    if (lease === undefined) throw new TokenError("storage_failed", "Cannot lock the store of the refresh token");
    try {
      return await run();
    } finally {
      const release = () => this.#store.release(context, lease);
      // Who had the lease while a write is late would read the token before, which is spent.
      const written = this.#store.written(this.#key);
      if (written === undefined) await release();
      else void written.then(release);
    }
  }

  async rotate(refresh: Refresh): Promise<Token> {
    const { unstored } = refresh.shared;
    if (unstored !== undefined) await this.#storeLogin(unstored.login, refresh);
    if (unstored?.key === refresh.key) return unstored.token;
    const login = await this.#read(refresh.context);
    try {
      return await this.#use(login, refresh);
    } catch (error) {
      if (!(error instanceof TokenError && error.code === "invalid_grant")) throw error;
      const reread = await this.#read(refresh.context);
      if (reread.refreshToken.equals(login.refreshToken)) throw error;
      return this.#use(reread, refresh);
    }
  }

  async #use(login: StoredLogin, refresh: Refresh): Promise<Token> {
    const { token, response } = await refresh.request(login.refreshToken, refresh.context);
    // RFC 6749 §6: without a new one the old one stays.
    if (response.refreshToken === undefined || response.refreshToken === login.refreshToken.reveal()) return token;
    const refreshToken = new Secret(response.refreshToken, "refresh token");
    const rotated = { refreshToken, generation: login.generation + 1 };
    refresh.shared.unstored = { login: rotated, token, key: refresh.key };
    await this.#storeLogin(rotated, refresh);
    return token;
  }

  /** Unless a sibling has come further: this process may have been held up, or away from the store, since its answer. */
  async #storeLogin(login: StoredLogin, { context, shared }: Refresh): Promise<void> {
    const text = await this.#get(this.#key, context);
    const stored = text === undefined ? undefined : this.#parse(this.#key, text);
    const isOvertaken = stored !== undefined && stored.generation >= login.generation;
    if (!isOvertaken) await this.#write(login, context);
    this.#latest = isOvertaken ? stored : login;
    shared.unstored = undefined;
    context.emit({ type: "rotated", key: this.#key, generation: login.generation });
  }

  async #write({ refreshToken, generation }: StoredLogin, context: SourceContext): Promise<void> {
    const text = JSON.stringify({
      version: 1,
      key: this.#key,
      login: this.#login.fingerprint,
      generation,
      refresh_token: refreshToken.reveal(),
    });
    const { failed, error } = await this.#store.set(context, this.#key, text);
    if (failed) throw new TokenError("storage_failed", "Cannot store the new refresh token", { cause: error });
  }

  /** The newest login: stored, or held by this process, or the configured one when there was never another. */
  async #read(context: SourceContext): Promise<StoredLogin> {
    const stored = (await this.#own(context)) ?? (await this.#common(context));
    const login = stored ?? { refreshToken: this.#login.initial, generation: 0 };
    // A store that failed over to a copy can show an entry again that was replaced.
    return this.#latest !== undefined && this.#latest.generation > login.generation ? this.#latest : login;
  }

  async #own(context: SourceContext): Promise<StoredLogin | undefined> {
    const text = await this.#get(this.#key, context);
    if (text === undefined) return undefined;
    const stored = this.#parse(this.#key, text);
    // Where there is an entry the configured token is spent.
    if (stored === undefined) throw new TokenError("storage_failed", "Cannot read the stored refresh token: damaged");
    return stored;
  }

  async #common(context: SourceContext): Promise<StoredLogin | undefined> {
    const text = await this.#get(this.#commonKey, context);
    return text === undefined ? undefined : this.#parse(this.#commonKey, text);
  }

  async #get(key: string, context: SourceContext): Promise<string | undefined> {
    const { failed, value, error } = await this.#store.get(context, key);
    // A sibling may have spent what is held here: to send that can end the whole login (RFC 9700 §4.14.2).
    if (failed) throw new TokenError("storage_failed", "Cannot read the refresh token", { cause: error });
    return value;
  }

  #parse(key: string, text: string): StoredLogin | undefined {
    const record = parseObject(text);
    if (record === undefined || member(record, "key") !== key) return undefined;
    if (member(record, "login") !== this.#login.fingerprint) return undefined;
    const [refreshToken, generation] = [stringMember(record, "refresh_token"), numberMember(record, "generation")];
    if (refreshToken === undefined || generation === undefined) return undefined;
    return { refreshToken: new Secret(refreshToken, "refresh token"), generation };
  }
}
