import type { Clock } from "@countersign/protocol";
import type { RevokedIds } from "@countersign/protocol/capability";
import type { ClientOptions, VerificationMode } from "./client-options.ts";
import { type CountersignConfig, type HttpProtocol, resolveConfig } from "./config.ts";
import type { Transport } from "./transport/transport.ts";

type Make<Client> = (config: CountersignConfig, options: ClientOptions) => Client;

/** Collects the configuration of a client step by step; what is given last counts. */
export class CountersignBuilder<Client> {
  readonly #make: Make<Client>;
  #config: Partial<CountersignConfig> = {};
  #options: ClientOptions = {};

  /** Made by `Countersign.builder()`. @internal */
  constructor(make: Make<Client>) {
    this.#make = make;
  }

  #with(config: Partial<CountersignConfig>): this {
    this.#config = { ...this.#config, ...config };
    return this;
  }

  #having(options: ClientOptions): this {
    this.#options = { ...this.#options, ...options };
    return this;
  }

  /** The host of the authority, with or without `https://` and a port. */
  baseUrl(baseUrl: string): this {
    return this.#with({ baseUrl });
  }

  /** Goes before a port in the base URL. */
  port(port: number): this {
    return this.#with({ port });
  }

  /** The client's certificate, PEM. */
  mtlsCert(mtlsCert: string): this {
    return this.#with({ mtlsCert });
  }

  /** The private key of the certificate, PEM. */
  mtlsKey(mtlsKey: string): this {
    return this.#with({ mtlsKey });
  }

  /** The certificates that sign the server's, PEM: they alone are trusted. */
  serverCa(serverCa: string): this {
    return this.#with({ serverCa });
  }

  /** The version of HTTP. */
  protocol(protocol: HttpProtocol): this {
    return this.#with({ protocol });
  }

  /** The authority's root key for tokens, PEM. */
  publicKey(publicKey: string): this {
    return this.#with({ publicKey });
  }

  /** The private key of this service, PKCS#8 in PEM. */
  personalKeypair(personalKeypair: string): this {
    return this.#with({ personalKeypair });
  }

  /** How long a response is waited for. */
  timeoutMs(timeoutMs: number): this {
    return this.#having({ timeoutMs });
  }

  /** Who judges tokens. */
  verification(verification: VerificationMode): this {
    return this.#having({ verification });
  }

  /** Revocation ids that were revoked, for what is judged here. */
  revoked(revoked: RevokedIds): this {
    return this.#having({ revoked });
  }

  /** Where time comes from. */
  clock(clock: Clock): this {
    return this.#having({ clock });
  }

  /** How requests travel. */
  transport(transport: Transport): this {
    return this.#having({ transport });
  }

  /** The client. @throws {SdkError} for what is missing or wrong */
  build(): Client {
    return this.#make(resolveConfig(this.#config), this.#options);
  }
}
