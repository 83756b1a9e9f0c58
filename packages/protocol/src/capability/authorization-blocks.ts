import type { PublicKey } from "@countersign/biscuit";
import { publicKeyOf } from "./inputs.ts";
import { expires, type Statement } from "./statement.ts";

/** A service of a chain, or a party of a multi-party token, with the key that it signs with. */
export interface Component {
  /** The name of the service or party. */
  readonly component: string;
  /** A key, or key text such as `ed25519/<hex>`. */
  readonly publicKey: PublicKey | string;
}

/** What an authorization token grants, and what must be added or stated before it does. */
export interface AuthorizationContent {
  /** Who is authorized. */
  readonly subject: string;
  /** The resource that it is about. */
  readonly resource: string;
  /** The operation on the resource. */
  readonly operation: string;
  /** The domain that a verifier must state. @default none */
  readonly domain?: string | undefined;
  /** The key of whoever must add a prefix restriction first: the token is a stub until then. @default none */
  readonly prefixKey?: PublicKey | string | undefined;
  /** The services that pass the token on, in their order. @default none */
  readonly serviceChain?: readonly Component[];
  /** The parties that must sign off, in the order given. @default none */
  readonly parties?: readonly Component[];
}

function serviceRule({ component, publicKey }: Component): Statement {
  return ["node($s, {component}) <- service($s) trusting {key};", { component, key: publicKeyOf(publicKey) }];
}

function partyCheck({ component, publicKey }: Component): Statement {
  return ["check if namespace({component}) trusting {key};", { component, key: publicKeyOf(publicKey) }];
}

/** The authority block of an authorization token. */
export function authorizationStatements(content: AuthorizationContent, expiration: number): Statement[] {
  const { subject, resource, operation, domain, prefixKey, serviceChain = [], parties = [] } = content;
  const statements: Statement[] = [
    ["right({subject}, {resource}, {operation});", { subject, resource, operation }],
    ["check if subject($sub), resource($res), operation($op), right($sub, $res, $op);", {}],
    expires(expiration),
  ];
  if (domain !== undefined) statements.push(["check if domain({domain});", { domain }]);
  if (prefixKey !== undefined) {
    statements.push(["check if prefix_added(true) trusting {key};", { key: publicKeyOf(prefixKey) }]);
  }
  return [...statements, ...serviceChain.map(serviceRule), ...parties.map(partyCheck)];
}

/** The block by which a service says that it handled a request for this resource. */
export function attestationStatements(service: string): Statement[] {
  return [["service({service});", { service }]];
}

/** The block by which a party signs off. */
export function signoffStatements(component: string): Statement[] {
  return [["namespace({component});", { component }]];
}

/** The block that completes a stub with the prefix that it is good for. */
export function prefixStatements(prefix: string): Statement[] {
  return [
    ["check if prefix({prefix});", { prefix }],
    ["prefix_added(true);", {}],
  ];
}
