import type { PolicyDocument } from "./document.ts";

/** A component of a chain, or one that signs off. */
export interface Component {
  readonly component: string;
  /** `ed25519/` or `secp256r1/` and hexadecimal digits; absent where the document has no key for it. */
  readonly publicKey?: string;
  /** Where its signoff is asked for. */
  readonly authorizationService?: string;
}

/** What a resource asks of every token for it. */
export interface ResourceRule {
  /** All that there are; any when absent. */
  readonly operations?: ReadonlySet<string>;
  /** In seconds. */
  readonly lifetime?: number;
  /** In their order. */
  readonly chain: readonly Component[];
  /** In their order. */
  readonly signoffs: readonly (Component & { readonly operations?: ReadonlySet<string> })[];
}

/** What each resource that the document declares asks for. */
export function compileRequirements(document: PolicyDocument): ReadonlyMap<string, ResourceRule> {
  const named = new Map(Object.entries(document.components));
  return new Map(
    Object.entries(document.resources).map(([name, resource]) => [
      name,
      {
        ...(resource.operations === undefined ? {} : { operations: new Set(resource.operations) }),
        ...(resource.lifetime === undefined ? {} : { lifetime: resource.lifetime }),
        chain: (resource.chain ?? []).map((member) => componentOf(member, named)),
        signoffs: (resource.signoffs ?? []).map((member) => signoffOf(member, named)),
      },
    ]),
  );
}

type Written = PolicyDocument["resources"][string];
type Keys = ReadonlyMap<string, PolicyDocument["components"][string]>;

function componentOf(member: string | Member, named: Keys): Component {
  const own = typeof member === "string" ? { component: member } : member;
  const declared = named.get(own.component);
  const publicKey = own.public_key ?? declared?.public_key;
  const authorizationService = own.authorization_service ?? declared?.authorization_service;
  return {
    component: own.component,
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(authorizationService === undefined ? {} : { authorizationService }),
  };
}

interface Member {
  readonly component: string;
  readonly public_key?: string | undefined;
  readonly authorization_service?: string | undefined;
}

function signoffOf(member: NonNullable<Written["signoffs"]>[number], named: Keys): ResourceRule["signoffs"][number] {
  const operations = typeof member === "string" ? undefined : member.operations;
  return { ...componentOf(member, named), ...(operations === undefined ? {} : { operations: new Set(operations) }) };
}
