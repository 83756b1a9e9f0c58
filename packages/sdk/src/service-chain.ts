import { type Component, publicKeyOf } from "@countersign/protocol/capability";
import { formatOf, textFormats } from "./config-text.ts";
import { SdkError } from "./errors.ts";

/** A service of a chain: its name, and the key that it attests with as key text (`ed25519/…` or `secp256r1/…`). */
export interface ServiceNode {
  /** The name of the service, as the token has it. */
  readonly component: string;
  /** Key text. */
  readonly publicKey: string;
}

/** How files of chains are read. */
export interface ChainFileOptions {
  /** Reads a text file. @default the file system of Node */
  readonly readFile?: (path: string) => Promise<string>;
}

function malformed(detail: string, cause?: unknown): SdkError {
  return new SdkError("parse_error", { detail, cause });
}

/** A node as files have it. */
function nodeIn(value: unknown, index: number): ServiceNode {
  const members = new Map<string, unknown>(Object.entries(typeof value === "object" && value !== null ? value : {}));
  const [component, publicKey] = [members.get("component"), members.get("public_key")];
  if (typeof component === "string" && typeof publicKey === "string") return { component, publicKey };
  throw malformed(`node ${index} of the service chain lacks component or public_key`);
}

function checked({ component, publicKey }: ServiceNode, index: number): ServiceNode {
  if (component === "") throw malformed(`node ${index} of the service chain has an empty component`);
  try {
    return Object.freeze({ component, publicKey: publicKeyOf(publicKey).toString() });
  } catch (cause) {
    throw malformed(`node ${index} of the service chain has a public_key that is no key text`, cause);
  }
}

/** Asked for and not imported, so that this module loads where there is no file system. */
function readText(path: string): Promise<string> {
  return process.getBuiltinModule("node:fs/promises").readFile(path, "utf8");
}

async function textAt(path: string, { readFile = readText }: ChainFileOptions): Promise<string> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new SdkError("io_error", { detail: path, cause });
  }
}

/**
 * The services that a token passes through, in their order. Instances are immutable.
 *
 * @example
 * ```ts
 * import { ServiceChain } from "@countersign/sdk";
 * const key = `ed25519/${"1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284"}`;
 * const chain = ServiceChain.builder().addNode("gateway", key).addNode("orders", key).build();
 * console.log(chain.nodes.length); // 2
 * ```
 */
export class ServiceChain {
  /** The services in their order. */
  readonly nodes: readonly ServiceNode[];

  /**
   * Makes a chain.
   *
   * @throws {SdkError} `parse_error` for an empty name, or what is no key text.
   */
  constructor(nodes: readonly ServiceNode[] = []) {
    this.nodes = Object.freeze(nodes.map(checked));
  }

  /** A chain of these services. @throws {SdkError} `parse_error` */
  static withNodes(nodes: readonly ServiceNode[]): ServiceChain {
    return new ServiceChain(nodes);
  }

  /** Collects the services of a chain one by one. */
  static builder(): ServiceChainBuilder {
    return new ServiceChainBuilder();
  }

  /** Reads a JSON array of `{ "component": …, "public_key": … }`. @throws {SdkError} `parse_error` */
  static fromJson(text: string): ServiceChain {
    const parsed = textFormats.json(text);
    if (!Array.isArray(parsed)) throw malformed("a service chain in JSON is an array of nodes");
    return new ServiceChain(parsed.map(nodeIn));
  }

  /** Reads TOML with one `[[nodes]]` for each service. @throws {SdkError} `parse_error` */
  static fromToml(text: string): ServiceChain {
    const nodes = new Map<string, unknown>(Object.entries(textFormats.toml(text) ?? {})).get("nodes");
    if (!Array.isArray(nodes)) throw malformed("a service chain in TOML has a [[nodes]] for each service");
    return new ServiceChain(nodes.map(nodeIn));
  }

  /** Reads a file of JSON. @throws {SdkError} `io_error` or `parse_error` */
  static async fromJsonFile(path: string, options: ChainFileOptions = {}): Promise<ServiceChain> {
    return ServiceChain.fromJson(await textAt(path, options));
  }

  /** Reads a file of TOML. @throws {SdkError} `io_error` or `parse_error` */
  static async fromTomlFile(path: string, options: ChainFileOptions = {}): Promise<ServiceChain> {
    return ServiceChain.fromToml(await textAt(path, options));
  }

  /** Reads a file by how its name ends: `.toml` or `.tml`, else JSON. @throws {SdkError} `io_error` or `parse_error` */
  static fromFile(path: string, options: ChainFileOptions = {}): Promise<ServiceChain> {
    return formatOf(path) === "toml"
      ? ServiceChain.fromTomlFile(path, options)
      : ServiceChain.fromJsonFile(path, options);
  }

  /** The chain with one more service at its end. @throws {SdkError} `parse_error` */
  withNode(component: string, publicKey: string): ServiceChain {
    return new ServiceChain([...this.nodes, { component, publicKey }]);
  }

  /** What verifiers are given. */
  get components(): readonly Component[] {
    return this.nodes;
  }

  /** The array that {@link ServiceChain.fromJson} reads. */
  toJSON(): { readonly component: string; readonly public_key: string }[] {
    return this.nodes.map(({ component, publicKey }) => ({ component, public_key: publicKey }));
  }
}

/** Collects the services of a {@link ServiceChain}. */
export class ServiceChainBuilder {
  readonly #nodes: ServiceNode[] = [];

  /** Adds a service at the end. */
  addNode(component: string, publicKey: string): this {
    this.#nodes.push({ component, publicKey });
    return this;
  }

  /** The chain; the builder can be used again. @throws {SdkError} `parse_error` */
  build(): ServiceChain {
    return new ServiceChain(this.#nodes);
  }
}
