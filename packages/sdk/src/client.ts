import { PublicKey, type RootKeyProvider } from "@countersign/biscuit";
import { type Clock, systemClock } from "@countersign/protocol";
import type { TokenInspection } from "@countersign/protocol/capability";
import { type TokenSource, TokenWatcher, type WatcherStartOptions } from "@countersign/token-keeper";
import { originOf, parseServerAddress } from "./address.ts";
import { type Api, type ApiCall, type CallOptions, createApi } from "./api.ts";
import { CountersignBuilder } from "./builder.ts";
import { assertPlain, clientIdOf, domainOf, missingChain, shortened, stubMessage } from "./call-parts.ts";
import type {
  ClientOptions,
  SignoffOptions,
  TokenRequestOptions,
  VerificationMode,
  VerifyChainOptions,
  VerifyTokenOptions,
} from "./client-options.ts";
import { type CountersignConfig, type ResolvedConfig, resolveConfig } from "./config.ts";
import type { ConfigPorts } from "./config-ports.ts";
import { configFromEnv, configFromEnvOrFile, configFromFile } from "./config-sources.ts";
import { SdkError } from "./errors.ts";
import { identitySource } from "./identity-source.ts";
import { judgeBy } from "./judging.ts";
import { type LocalCircumstances, LocalTokens } from "./local-tokens.ts";
import type {
  HealthResponse,
  IdentityTokenResponse,
  SignTokenResponse,
  StubTokenResponse,
  TokenResponse,
  TokenVerdict,
} from "./responses.ts";
import type { ServiceChain } from "./service-chain.ts";
import { collect } from "./signoffs.ts";
import { transportOf } from "./transport/choose-transport.ts";
import type { Transport } from "./transport/transport.ts";
import { within } from "./within.ts";

/**
 * A client of one authority: it asks for tokens, has them signed off, and verifies, delegates and attests them offline.
 *
 * @example
 * ```ts
 * import { Countersign } from "@countersign/sdk";
 * export async function readOrders(): Promise<string> {
 *   await using client = await Countersign.fromEnv();
 *   return client.requestTokenSimple("orders", "read");
 * }
 * ```
 */
export class Countersign {
  #config: ResolvedConfig;
  readonly #options: ClientOptions;
  readonly #clock: Clock;
  readonly #transport: Transport;
  readonly #api: Api;
  #tokens: LocalTokens;
  /** The keys of the authority as it gave them; undefined before, and where it has but one. */
  #roots: RootKeyProvider | undefined;

  /**
   * Makes a client; nothing is sent yet.
   *
   * @throws {SdkError} for what is wrong with the configuration; `ssl_config` when certificate and key do not fit.
   */
  constructor(config: CountersignConfig, options: ClientOptions = {}) {
    this.#config = resolveConfig(config);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#transport = options.transport ?? transportOf(this.#config);
    this.#api = createApi(this.#transport, this.#clock, options.timeoutMs ?? 30_000);
    this.#tokens = this.#localTokens();
  }

  /** Collects a configuration step by step. */
  static builder(): CountersignBuilder<Countersign> {
    return new CountersignBuilder((config, options) => new Countersign(config, options));
  }

  /** A client configured by variables that begin with the prefix. @param prefix "COUNTERSIGN" by default */
  static async fromEnv(prefix?: string, ports?: ConfigPorts, options?: ClientOptions): Promise<Countersign> {
    return new Countersign(await configFromEnv(prefix, ports), options);
  }

  /** A client configured by a file of TOML or JSON. */
  static async fromFile(path: string, ports?: ConfigPorts, options?: ClientOptions): Promise<Countersign> {
    return new Countersign(await configFromFile(path, ports), options);
  }

  /** A client configured by variables or by the first file that is found, see {@link configFromEnvOrFile}. */
  static async fromEnvOrFile(prefix?: string, ports?: ConfigPorts, options?: ClientOptions): Promise<Countersign> {
    return new Countersign(await configFromEnvOrFile(prefix, ports), options);
  }

  /** The configuration, validated. Printed or serialised it shows no private key. */
  get config(): ResolvedConfig {
    return this.#config;
  }

  /** What this client can do with tokens offline. */
  get tokens(): LocalTokens {
    return this.#tokens;
  }

  #localTokens(): LocalTokens {
    const { personalKeypair } = this.#config;
    const publicKey = this.#roots ?? this.#config.publicKey;
    return new LocalTokens({ publicKey, personalKeypair, revoked: this.#options.revoked, clock: this.#clock });
  }

  get #origin(): string {
    const { baseUrl, port } = this.#config;
    return originOf({ host: parseServerAddress(baseUrl).host, port });
  }

  #call(options: CallOptions, bearer?: string): ApiCall {
    const { signal, timeoutMs } = options;
    return { origin: this.#origin, bearer, signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  }

  /**
   * Fetches the public keys of the authority and keeps them: tokens are judged here from then on, by the key that they name.
   * Keys rotate: call it again from time to time, and when a token names an `unknown_root_key`.
   */
  async setup(options: CallOptions = {}): Promise<void> {
    const { publicKey, publicKeys } = await this.#api.call("/public_key", {}, this.#call(options));
    const { baseUrl, port, mtlsCert, mtlsKey, serverCa, protocol, personalKeypair } = this.#config;
    this.#config = resolveConfig({ baseUrl, port, mtlsCert, mtlsKey, serverCa, protocol, personalKeypair, publicKey });
    this.#roots = publicKeys === undefined ? undefined : rootsOf(publicKeys, PublicKey.fromPem(publicKey));
    this.#tokens = this.#localTokens();
  }

  /** A client that has the public keys of the authority; this one stays as it is, and both share their connections. */
  async withSetup(options: CallOptions = {}): Promise<Countersign> {
    const ready = new Countersign(this.#config, { ...this.#options, transport: this.#transport });
    await ready.setup(options);
    return ready;
  }

  /** The public key with which the authority signs now, in PEM. */
  async getPublicKey(options: CallOptions = {}): Promise<string> {
    return (await this.#api.call("/public_key", {}, this.#call(options))).publicKey;
  }

  /** Whether the authority answers, and its version. */
  health(options: CallOptions = {}): Promise<HealthResponse> {
    return this.#api.call("/health", {}, this.#call(options));
  }

  /** Asks for an authorization token with the client's certificate. A refusal is a response or an error, as the authority has it. */
  requestToken(resource: string, operation: string, options: TokenRequestOptions = {}): Promise<TokenResponse> {
    return this.#api.call("/request_token", { resource, operation, ...domainOf(options) }, this.#call(options));
  }

  /**
   * Asks for an authorization token with an identity token. Where the public key is known, a copy of it that holds for five
   * seconds is sent, so that one seen on the way is soon worthless.
   *
   * @throws {SdkError} `token_signature` and its like when the identity token is not of this authority.
   */
  async requestTokenWithIdentity(
    resource: string,
    operation: string,
    identityToken: string,
    options: TokenRequestOptions = {},
  ): Promise<TokenResponse> {
    const call = this.#call(options, await shortened(this.#tokens, identityToken));
    return this.#api.call("/request_token", { resource, operation, ...domainOf(options) }, call);
  }

  /** Asks for an authorization token, and fails when there is none. @throws {SdkError} `no_token` */
  async requestTokenSimple(resource: string, operation: string, options: TokenRequestOptions = {}): Promise<string> {
    const { token, responseMsg } = await this.requestToken(resource, operation, options);
    if (token !== undefined) return token;
    throw new SdkError("no_token", { responseMsg, detail: responseMsg });
  }

  /** Has the configured authority sign a token off as a party. */
  signToken(token: string, resource: string, operation: string, options: CallOptions = {}): Promise<SignTokenResponse> {
    return this.#api.call("/sign_token", { token, resource, operation }, this.#call(options));
  }

  /**
   * Takes a token to each party that has yet to sign off, and gives the token that all have signed off. Where the public key is
   * known, every signoff is checked as it comes back.
   *
   * @throws {SdkError} `no_token`, `signoff_failed`, `invalid_signoff_response`, `incomplete_signoffs`, `timed_out`
   */
  collectSignoffs(
    response: TokenResponse,
    resource: string,
    operation: string,
    options: SignoffOptions = {},
  ): Promise<string> {
    const { signal, totalTimeoutMs = 120_000 } = options;
    return within({ clock: this.#clock, timeoutMs: totalTimeoutMs, signal }, (ended) =>
      collect(response, {
        tokens: this.#tokens,
        sign: (origin, token) => {
          const call = { ...this.#call({ ...options, signal: ended }), origin };
          return this.#api.call("/sign_token", { token, resource, operation }, call);
        },
      }),
    );
  }

  /** Asks for a token and collects its signoffs. @throws {SdkError} as {@link Countersign.collectSignoffs} */
  async requestTokenWithSignoffs(
    resource: string,
    operation: string,
    options: TokenRequestOptions & SignoffOptions = {},
  ): Promise<string> {
    return this.collectSignoffs(await this.requestToken(resource, operation, options), resource, operation, options);
  }

  #mode({ mode }: { readonly mode?: VerificationMode | undefined }): VerificationMode {
    return mode ?? this.#options.verification ?? "automatic";
  }

  /** Verifies an authorization token, and says who judged it. @throws {SdkError} the refusal, or `http_status` with it */
  verifyToken(
    token: string,
    subject: string,
    resource: string,
    operation: string,
    options: VerifyTokenOptions = {},
  ): Promise<TokenVerdict> {
    return judgeBy(this.#mode(options), {
      canVerify: this.#tokens.canVerify,
      local: () => this.#tokens.verifyToken(token, subject, resource, operation, options),
      remote: async () => {
        assertPlain(options);
        return this.verifyTokenRemote(token, subject, resource, operation, options);
      },
    });
  }

  /** Has the authority verify an authorization token; gives what it says. @throws {SdkError} `http_status` */
  async verifyTokenRemote(
    token: string,
    subject: string,
    resource: string,
    operation: string,
    options: CallOptions = {},
  ): Promise<string> {
    const message = { token, subject, resource, operation };
    return (await this.#api.call("/verify_token", message, this.#call(options))).responseMsg;
  }

  /** Verifies an authorization token here. @throws {SdkError} `missing_public_key`, or the refusal */
  async verifyTokenLocal(
    token: string,
    subject: string,
    resource: string,
    operation: string,
    circumstances: LocalCircumstances = {},
  ): Promise<void> {
    await this.#tokens.verifyToken(token, subject, resource, operation, circumstances);
  }

  /** Verifies a token that passed the services of a chain, and says who judged it: without a chain the authority by its own. */
  async verifyServiceChainToken(
    token: string,
    subject: string,
    resource: string,
    operation: string,
    chain?: ServiceChain,
    options: VerifyChainOptions = {},
  ): Promise<TokenVerdict> {
    const { component } = options;
    const mode = this.#mode(options);
    return judgeBy(chain === undefined && mode !== "local" ? "remote" : mode, {
      canVerify: this.#tokens.canVerify,
      local: () => this.verifyServiceChainTokenLocal(token, subject, resource, operation, chain, component),
      remote: () => this.verifyServiceChainTokenRemote(token, subject, resource, component, { ...options, operation }),
    });
  }

  /** Has the authority verify it by its own chain of the resource; gives what it says. @throws {SdkError} `http_status` */
  async verifyServiceChainTokenRemote(
    token: string,
    subject: string,
    resource: string,
    component?: string,
    options: CallOptions & { readonly operation?: string | undefined } = {},
  ): Promise<string> {
    const { operation } = options;
    const message = { token, subject, resource, component: component ?? null };
    const sent = operation === undefined ? message : { ...message, operation };
    return (await this.#api.call("/verify_service_chain_token", sent, this.#call(options))).responseMsg;
  }

  /** Verifies it here by this chain. @throws {SdkError} `missing_public_key`, or the refusal */
  async verifyServiceChainTokenLocal(
    token: string,
    subject: string,
    resource: string,
    operation: string,
    chain: ServiceChain = missingChain(),
    component?: string,
  ): Promise<void> {
    await this.#tokens.verifyServiceChainToken(token, subject, resource, operation, chain, component);
  }

  /** Attests that the token passed this service. @param service The resource of the token, not the name of this service */
  attestServiceChainToken(token: string, service: string): Promise<string> {
    return this.#tokens.attestServiceChainToken(token, service);
  }

  /** Asks for an identity token with the client's certificate. */
  requestIdentityToken(identifier?: string, options: CallOptions = {}): Promise<IdentityTokenResponse> {
    return this.#api.call("/request_identity_token", { identifier: identifier ?? null }, this.#call(options));
  }

  /** Exchanges an identity token that has no appended block for a fresh one. */
  refreshIdentityToken(
    currentToken: string,
    identifier?: string,
    options: CallOptions = {},
  ): Promise<IdentityTokenResponse> {
    const message = { current_token: currentToken, identifier: identifier ?? null };
    return this.#api.call("/refresh_identity_token", message, this.#call(options));
  }

  /** Has the authority mint an identity below that of the client's certificate, good in its domain. @param seconds Lifetime */
  mintDomainRestrictedIdentityToken(
    subject: string,
    seconds?: number,
    options: CallOptions = {},
  ): Promise<IdentityTokenResponse> {
    return this.#api.call("/mint_identity_token", { subject, duration: seconds ?? null }, this.#call(options));
  }

  /** Asks for a token for somebody else that is good once the holder of the prefix key has added a prefix. */
  requestStubToken(
    targetIdentity: string,
    resource: string,
    operation: string,
    prefixAttenuatorKey: string,
    seconds?: number,
    options: CallOptions = {},
  ): Promise<StubTokenResponse> {
    const message = stubMessage(targetIdentity, resource, operation, prefixAttenuatorKey, seconds);
    return this.#api.call("/request_stub", message, this.#call(options));
  }

  /** The same with an identity token; a copy of it that holds for five seconds is sent where the public key is known. */
  async requestStubTokenWithIdentity(
    targetIdentity: string,
    resource: string,
    operation: string,
    prefixAttenuatorKey: string,
    identityToken: string,
    seconds?: number,
    options: CallOptions = {},
  ): Promise<StubTokenResponse> {
    const message = stubMessage(targetIdentity, resource, operation, prefixAttenuatorKey, seconds);
    return this.#api.call("/request_stub", message, this.#call(options, await shortened(this.#tokens, identityToken)));
  }

  /** Verifies an identity token for whoever acts. @throws {SdkError} `identity_mismatch` and the other refusals */
  async verifyIdentityTokenLocal(token: string, identity: string, domain?: string): Promise<void> {
    await this.#tokens.verifyIdentityToken(token, identity, domain);
  }

  /** Hands an identity token to a sub-identity, offline. @param seconds How long the new token holds */
  attenuateIdentityToken(token: string, delegatedIdentity: string, seconds: number): Promise<string> {
    return this.#tokens.attenuateIdentityToken(token, delegatedIdentity, seconds);
  }

  /** Mints an identity token that the personal key pair signs, offline. @param seconds How long it holds */
  createIdentityTokenLocal(subject: string, seconds: number): Promise<string> {
    return this.#tokens.createIdentityToken(subject, seconds);
  }

  /** Says what a token says, once its signatures hold. @throws {SdkError} `missing_public_key` */
  inspectToken(token: string): Promise<TokenInspection> {
    return this.#tokens.inspectToken(token);
  }

  /** Identity tokens for `@countersign/token-keeper`, got with the certificate, or by refreshing the one that is given. */
  identityTokenSource(firstToken?: string): TokenSource {
    return identitySource({
      issuer: this.#origin,
      clientId: clientIdOf(this.#config),
      firstToken,
      request: (signal) => this.requestIdentityToken(undefined, { signal }),
      refresh: (token, signal) => this.refreshIdentityToken(token, undefined, { signal }),
    });
  }

  /** Keeps an identity token fresh in the background; close what it gives. @throws {TokenError} when none can be had */
  keepIdentityToken(options: WatcherStartOptions & { readonly firstToken?: string } = {}): Promise<TokenWatcher> {
    return TokenWatcher.start(this.identityTokenSource(options.firstToken), options);
  }

  /** Ends the connections, also those of clients that `withSetup` made of this one. */
  close(): void {
    this.#transport.close();
  }

  /** `await using` closes the client. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/** The choice of a root key by its id; tokens without one are of the key that signs now. */
function rootsOf(
  keys: readonly { readonly rootKeyId: number; readonly publicKey: string }[],
  current: PublicKey,
): RootKeyProvider {
  const roots = new Map(keys.map(({ rootKeyId, publicKey }) => [rootKeyId, PublicKey.parse(publicKey)]));
  return (id) => (id === undefined ? current : roots.get(id));
}
