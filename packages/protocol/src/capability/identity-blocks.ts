import { expires, type Statement } from "./statement.ts";

/** Whom an identity token stands for. */
export interface IdentityContent {
  /** Who it names. */
  readonly subject: string;
  /** Whether the holder may name sub-identities, `subject:…`, and be them. @default false */
  readonly delegatable?: boolean;
  /** The domain within which the token is good; a verifier must state it. @default none */
  readonly domain?: string | undefined;
}

/** The check that whoever acts is this identity, or one below it. */
function actsWithin(identity: string): Statement {
  return [`check if actor($a), $a == {identity} || $a.starts_with({identity} + ":");`, { identity }];
}

function actsAs(identity: string): Statement {
  return ["check if actor($a), $a == {identity};", { identity }];
}

/** The authority block of an identity token. */
export function identityStatements(content: IdentityContent, expiration: number): Statement[] {
  const { subject, delegatable = false, domain } = content;
  const statements: Statement[] = [
    ["subject({subject});", { subject }],
    delegatable ? actsWithin(subject) : actsAs(subject),
    expires(expiration),
  ];
  if (domain === undefined) return statements;
  const restricted: Statement[] = [
    ["check if domain({domain});", { domain }],
    ["subject($d, $s) <- domain($d), subject($s);", {}],
  ];
  return [...statements, ...restricted];
}

/** The block that hands an identity token to a sub-identity. */
export function delegationStatements(identity: string, expiration: number): Statement[] {
  return [actsWithin(identity), expires(expiration)];
}

/** The block that only shortens a token, as just before it is sent. */
export function narrowingStatements(expiration: number): Statement[] {
  return [expires(expiration)];
}
