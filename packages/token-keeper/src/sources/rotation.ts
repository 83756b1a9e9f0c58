import type { TokenCache } from "../cache.ts";
import { withDeadline } from "../deadline.ts";
import { TokenError } from "../errors.ts";
import { GuardedCache } from "../guarded-cache.ts";
import { member, numberMember, parseObject, stringMember } from "../json.ts";
import { waitForLease } from "../lease.ts";
import { Secret } from "../secret.ts";
import { type SourceContext, type TokenIdentity, tokenKey } from "../source.ts";
import type { Token } from "../token.ts";

/** Which login it is. */
export interface Login {
  readonly identity: TokenIdentity;
  readonly initial: Secret;
  /** SHA-256 of the refresh token it began with, base64url. */
  readonly fingerprint: string;
}

/** A refresh token that replaced another. */
export interface RotatedLogin {
  /** The new refresh token. */
  readonly refreshToken: Secret;
  /** How often this login has rotated. */
  readonly generation: number;
}

interface RotationOptions {
  readonly store: TokenCache;
  readonly timeoutMs: number | undefined;
  readonly storeTimeoutMs: number | undefined;
  readonly replayWindowMs: number | undefined;
  readonly onRotation: ((rotated: RotatedLogin) => unknown) | undefined;
}

/** What the sources of one login in this process have in common, as long as one is at work or something is unstored. */
export interface SharedLogin {
  users: number;
  queue: Promise<unknown>;
  /** Got from the server and not stored yet: until it is, its access token is not handed out. */
  unstored: { readonly login: RotatedLogin; readonly token: Token; readonly key: string } | undefined;
  /** A request with a refresh token is under way; its caller may have given up. Never rejects. */
  inFlight: Promise<void> | undefined;
  /** A token that came and was stored after its caller had given up. */
  lateToken: { readonly token: Token; readonly key: string } | undefined;
}

interface Refresh {
  readonly context: SourceContext;
  /** Of the access token that is wanted. */
  readonly key: string;
  readonly shared: SharedLogin;
  /** Sends a refresh token, and waits for the response for `timeoutMs`. */
  request(
    refreshToken: Secret,
    context: SourceContext,
    timeoutMs: number,
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
  readonly #timeoutMs: number;
  readonly #storeTimeoutMs: number;
  /** How long a response is waited for after its caller has given up. */
  readonly #responseTimeoutMs: number;
  readonly #onRotation: RotationOptions["onRotation"];
  readonly #shared: Map<string, SharedLogin>;
  #latest: RotatedLogin | undefined;
  /** The refresh token that the server refused with `invalid_grant`. */
  #refused: Secret | undefined;

  constructor(login: Login, options: RotationOptions) {
    const { store, timeoutMs = 10_000, storeTimeoutMs = 5_000, replayWindowMs = 0 } = options;
    this.#login = login;
    this.#key = `login:${tokenKey({ ...login.identity, partition: login.fingerprint })}`;
    this.#commonKey = `login:${tokenKey(login.identity)}`;
    this.#store = new GuardedCache(store, storeTimeoutMs);
    // A server that answers a retry for a while is asked again within that while; of any other, the response is waited for.
    this.#timeoutMs = replayWindowMs > 0 ? Math.min(timeoutMs, replayWindowMs / 2) : timeoutMs;
    this.#responseTimeoutMs = replayWindowMs > 0 ? this.#timeoutMs : 2 * timeoutMs;
    this.#storeTimeoutMs = storeTimeoutMs;
    this.#onRotation = options.onRotation;
    // Longer than all that is done under it: discovery, a grant, writing and reading two entries, all that twice.
    this.#leaseMs = 6 * timeoutMs + 8 * storeTimeoutMs;
    this.#shared = sharedLogins.get(store) ?? new Map();
    sharedLogins.set(store, this.#shared);
  }

  /** One rotation at a time: under a lease where the store grants them, else within this process. */
  async exclusively(context: SourceContext, run: (shared: SharedLogin) => Promise<Token>): Promise<Token> {
    const shared = this.#sharedLogin();
    shared.users++;
    try {
      await this.#awaitInFlight(shared, context);
      if (this.#store.leases) return await this.#underLease(shared, context, () => run(shared));
      const queue = shared.queue.then(() => run(shared));
      shared.queue = queue.catch(() => undefined);
      return await queue;
    } finally {
      shared.users--;
      this.#forget(shared);
    }
  }

  /** Whether others stored another refresh token since the server refused the one that was known. */
  async hasNews(context: SourceContext): Promise<boolean> {
    const refused = this.#refused;
    return refused !== undefined && !(await this.#read(context)).refreshToken.equals(refused);
  }

  #sharedLogin(): SharedLogin {
    const known = this.#shared.get(this.#key);
    if (known !== undefined) return known;
    const queue = Promise.resolve();
    const shared = { users: 0, queue, unstored: undefined, inFlight: undefined, lateToken: undefined };
    this.#shared.set(this.#key, shared);
    return shared;
  }

  #forget(shared: SharedLogin): void {
    const { users, unstored, inFlight, lateToken } = shared;
    if (users === 0 && unstored === undefined && inFlight === undefined && lateToken === undefined)
      this.#shared.delete(this.#key);
  }

  /** Waits for the request under way: sending its refresh token twice could end the login. */
  async #awaitInFlight({ inFlight }: SharedLogin, { clock, signal }: SourceContext): Promise<void> {
    if (inFlight === undefined) return;
    const timeoutMessage = "The response to the refresh token that was sent is still on its way";
    await withDeadline({ clock, signal, timeoutMs: this.#timeoutMs, timeoutMessage }, () => inFlight);
  }

  async #underLease(shared: SharedLogin, context: SourceContext, run: () => Promise<Token>): Promise<Token> {
    const [cache, key, ttlMs] = [this.#store, this.#key, this.#leaseMs];
    const { lease } = await waitForLease(context, { cache, key, ttlMs, alternative: async () => undefined });
    // Without it another process could spend the same token, and a store that fails here could not keep the next.
    if (lease === undefined) throw new TokenError("storage_failed", "Cannot lock the store of the refresh token");
    try {
      return await run();
    } finally {
      const release = async () => {
        await shared.inFlight;
        // While a write is under way, the next holder would read the old token, which is spent.
        await this.#store.written(this.#key);
        await this.#store.release(context, lease);
      };
      if (shared.inFlight === undefined && this.#store.written(this.#key) === undefined) await release();
      else void release();
    }
  }

  async rotate(refresh: Refresh): Promise<Token> {
    const { shared, context, key } = refresh;
    await this.#awaitInFlight(shared, context);
    const { lateToken } = shared;
    if (lateToken?.key === key) {
      shared.lateToken = undefined;
      if (lateToken.token.statusAt(context.clock.now()) === "fresh") return lateToken.token;
    }
    const { unstored } = shared;
    if (unstored !== undefined) await this.#storeLogin(unstored.login, refresh);
    if (unstored?.key === key) return unstored.token;
    return this.#spendNewest(await this.#read(context), refresh);
  }

  async #spendNewest(login: RotatedLogin, refresh: Refresh): Promise<Token> {
    try {
      return await this.#spend(login, refresh);
    } catch (error) {
      if (!(error instanceof TokenError && error.code === "invalid_grant")) throw error;
      const reread = await this.#read(refresh.context);
      this.#refused = reread.refreshToken;
      if (reread.refreshToken.equals(login.refreshToken)) throw error;
      return this.#spend(reread, refresh);
    }
  }

  /** Gives up by the time-out or when the keeper is closed; the response is awaited, and what it brought stored, all the same. */
  async #spend(login: RotatedLogin, refresh: Refresh): Promise<Token> {
    const { context, shared } = refresh;
    const { clock, signal } = context;
    signal.throwIfAborted();
    const unaborted = { ...context, signal: new AbortController().signal };
    const response = refresh.request(login.refreshToken, unaborted, this.#responseTimeoutMs);
    const kept = response.then((token) => this.#keep(token, login, { ...refresh, context: unaborted }));
    let gaveUp = false;
    shared.inFlight = kept.then(
      (token) => this.#ended(shared, gaveUp ? { token, key: refresh.key } : undefined),
      () => this.#ended(shared, undefined),
    );
    try {
      const timeoutMessage = `No response within ${this.#timeoutMs} ms to a refresh token`;
      await withDeadline({ clock, signal, timeoutMs: this.#timeoutMs, timeoutMessage }, () => response);
    } catch (error) {
      gaveUp = true;
      throw error;
    }
    return kept;
  }

  #ended(shared: SharedLogin, lateToken: SharedLogin["lateToken"]): void {
    shared.inFlight = undefined;
    if (lateToken !== undefined) shared.lateToken = lateToken;
    this.#forget(shared);
  }

  async #keep(
    { token, response }: Awaited<ReturnType<Refresh["request"]>>,
    login: RotatedLogin,
    refresh: Refresh,
  ): Promise<Token> {
    this.#refused = undefined;
    // RFC 6749 section 6: without a new one the old one stays.
    if (response.refreshToken === undefined || response.refreshToken === login.refreshToken.reveal()) return token;
    const refreshToken = new Secret(response.refreshToken, "refresh token");
    const rotated = { refreshToken, generation: login.generation + 1 };
    refresh.shared.unstored = { login: rotated, token, key: refresh.key };
    await this.#storeLogin(rotated, refresh);
    return token;
  }

  /**
   * Unless another process stored a later generation: this one may have been held up, or without the store, since its
   * response.
   */
  async #storeLogin(login: RotatedLogin, { context, shared }: Refresh): Promise<void> {
    const text = await this.#get(this.#key, context);
    const stored = text === undefined ? undefined : this.#parse(this.#key, text);
    const isOvertaken = stored !== undefined && stored.generation >= login.generation;
    if (!isOvertaken) await this.#write(login, context);
    // Stored before, but the hook failed then.
    if (!isOvertaken || stored.refreshToken.equals(login.refreshToken)) await this.#notify(login, context);
    this.#latest = isOvertaken ? stored : login;
    shared.unstored = undefined;
    context.emit({ type: "rotated", key: this.#key, generation: login.generation });
  }

  async #write({ refreshToken, generation }: RotatedLogin, context: SourceContext): Promise<void> {
    const text = JSON.stringify({
      version: 1,
      key: this.#key,
      login: this.#login.fingerprint,
      generation,
      refresh_token: refreshToken.reveal(),
    });
    const { failed, error } = await this.#store.set(context, this.#key, text);
    if (failed)
      throw new TokenError(
        "storage_failed",
        "Cannot store the new refresh token, so its access token is not handed out",
        { cause: error },
      );
  }

  async #notify(login: RotatedLogin, { clock, signal }: SourceContext): Promise<void> {
    const timeoutMessage = "The hook onRotation did not end in time";
    try {
      await withDeadline({ clock, signal, timeoutMs: this.#storeTimeoutMs, timeoutMessage }, async () =>
        this.#onRotation?.(login),
      );
    } catch (cause) {
      throw new TokenError("storage_failed", "The hook onRotation failed", { cause });
    }
  }

  /** The newest login: stored, or held by this process, or the configured one when there was never another. */
  async #read(context: SourceContext): Promise<RotatedLogin> {
    const stored = (await this.#readOwn(context)) ?? (await this.#readCommon(context));
    const login = stored ?? { refreshToken: this.#login.initial, generation: 0 };
    // A store that failed over to a replica can return an entry that was replaced.
    return this.#latest !== undefined && this.#latest.generation > login.generation ? this.#latest : login;
  }

  async #readOwn(context: SourceContext): Promise<RotatedLogin | undefined> {
    const text = await this.#get(this.#key, context);
    if (text === undefined) return undefined;
    const stored = this.#parse(this.#key, text);
    // An entry means that the configured token is spent.
    if (stored === undefined) throw new TokenError("storage_failed", "Cannot read the stored refresh token: damaged");
    return stored;
  }

  async #readCommon(context: SourceContext): Promise<RotatedLogin | undefined> {
    const text = await this.#get(this.#commonKey, context);
    return text === undefined ? undefined : this.#parse(this.#commonKey, text);
  }

  async #get(key: string, context: SourceContext): Promise<string | undefined> {
    const { failed, value, error } = await this.#store.get(context, key);
    // Another process may have spent the token held here: sending it can end the whole login (RFC 9700 section 4.14.2).
    if (failed) throw new TokenError("storage_failed", "Cannot read the refresh token", { cause: error });
    return value;
  }

  #parse(key: string, text: string): RotatedLogin | undefined {
    const record = parseObject(text);
    if (record === undefined || member(record, "key") !== key) return undefined;
    if (member(record, "login") !== this.#login.fingerprint) return undefined;
    const [refreshToken, generation] = [stringMember(record, "refresh_token"), numberMember(record, "generation")];
    if (refreshToken === undefined || generation === undefined) return undefined;
    return { refreshToken: new Secret(refreshToken, "refresh token"), generation };
  }
}
