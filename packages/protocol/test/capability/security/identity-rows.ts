import type { Biscuit } from "@countersign/biscuit";
import { appendExternal, appendOwn } from "../../../src/capability/append.ts";
import { delegationStatements } from "../../../src/capability/identity-blocks.ts";
import {
  authenticateIdentity,
  delegateIdentity,
  type IdentityContent,
  mintAuthorization,
  mintCapability,
  mintContext,
  mintIdentity,
  narrowToken,
  signOff,
  verifyIdentity,
} from "../../../src/capability/index.ts";
import { alice, at, keys, parties, right, rootKey, T0 } from "../fixtures.ts";
import type { Row } from "./case.ts";

const minted = (content: Partial<IdentityContent> = {}): Promise<Biscuit> =>
  mintIdentity(keys.root, { subject: alice, delegatable: true, ...content }, at());

const delegated = async (identity: string, content: Partial<IdentityContent> = {}): Promise<Biscuit> =>
  delegateIdentity((await minted(content)).toBytes(), { identity }, at());

const verify = (token: Biscuit, identity: string, now = T0): Promise<unknown> =>
  verifyIdentity(token.toBytes(), { identity }, at(now));

/** Who a token of `a:b` is, and who it is not. */
const actors: readonly (readonly [actor: string, expect: Row["expect"]])[] = [
  ["a:b", "accepted"],
  ["a:b:c", "accepted"],
  ["a:b:", "accepted"],
  ["a:b::c", "accepted"],
  ["a:bc", "identity_mismatch"],
  ["a:b.c", "identity_mismatch"],
  ["a:b\uff1ac", "identity_mismatch"],
  ["a:b\u0000:c", "identity_mismatch"],
  ["a", "identity_mismatch"],
  ["a:", "identity_mismatch"],
  ["", "identity_mismatch"],
  ["A:B", "identity_mismatch"],
  ["A:b:c", "identity_mismatch"],
  [" a:b", "identity_mismatch"],
  ["a:b ", "identity_mismatch"],
  ["x:a:b:c", "identity_mismatch"],
  ["a:b\n", "identity_mismatch"],
  ["\ufeffa:b", "identity_mismatch"],
];

/** Names that cannot be delegated to, from `urn:x:alice`. */
const names: readonly (readonly [identity: string, expect: Row["expect"]])[] = [
  [alice, "accepted"],
  [`${alice}:laptop`, "accepted"],
  [`${alice}:laptop:app`, "accepted"],
  [`${alice}:"x" + ":"\\`, "accepted"],
  [`${alice}x`, "delegation_failed"],
  ["urn:x:bob", "delegation_failed"],
  ["urn:x", "delegation_failed"],
  ["URN:X:ALICE:laptop", "delegation_failed"],
  [`${alice}\uff1alaptop`, "delegation_failed"],
  [`${alice}:`, "invalid_name"],
  [`${alice}::laptop`, "invalid_name"],
  [`${alice}:laptop:`, "invalid_name"],
  ["", "invalid_name"],
  [`${alice}:a\nb`, "invalid_name"],
  [`${alice}:\ud800`, "invalid_name"],
  [`${alice}:${"a".repeat(1024)}`, "invalid_name"],
];

/** Bytes that look the same are not the same name: é as one letter and as two. */
const [composed, decomposed] = ["urn:x:zo\u00eb", "urn:x:zoe\u0308"];

async function deep(levels: number): Promise<Biscuit> {
  let token = await minted();
  let identity = alice;
  for (let level = 0; level < levels; level++) {
    identity += ":d";
    token = await appendExternal(token, delegationStatements(identity, T0 + 300), {});
  }
  return token;
}

/** Attacks on whom identity tokens stand for. */
export const identityRows: readonly Row[] = [
  ...actors.map(([actor, expect]): Row => {
    return {
      id: `G22 a:b as ${JSON.stringify(actor)}`,
      build: async () => verify(await minted({ subject: "a:b" }), actor),
      expect,
      ...(expect === "accepted" ? {} : { data: { expected: "a:b", actual: actor } }),
    };
  }),
  ...names.map(([identity, expect]): Row => {
    return {
      id: `G22 delegated to ${JSON.stringify(identity.slice(0, 40))}`,
      build: () => delegated(identity),
      expect,
    };
  }),
  {
    id: "G22 composed letter",
    build: async () => verify(await minted({ subject: composed }), composed),
    expect: "accepted",
  },
  {
    id: "G22 decomposed letter",
    build: async () => verify(await minted({ subject: composed }), decomposed),
    expect: "identity_mismatch",
  },
  {
    id: "G22 the delegate",
    build: async () => verify(await delegated(`${alice}:a`), `${alice}:a`),
    expect: "accepted",
  },
  {
    id: "G22 the delegate as the one who delegated",
    build: async () => verify(await delegated(`${alice}:a`), alice),
    expect: "identity_mismatch",
    data: { expected: `${alice}:a`, actual: alice, block: 1, check: 0 },
  },
  {
    id: "G22 the delegate as its sibling",
    build: async () => verify(await delegated(`${alice}:a`), `${alice}:ab`),
    expect: "identity_mismatch",
  },
  {
    id: "G22 the delegate as a bearer",
    build: async () => verifyIdentity((await delegated(`${alice}:a`)).toBytes(), {}, at()),
    expect: "identity_mismatch",
    data: { expected: `${alice}:a`, actual: undefined },
  },
  {
    id: "G22 the delegate authenticates",
    build: async () => authenticateIdentity((await delegated(`${alice}:a`)).toBytes(), {}, at()),
    expect: "accepted",
  },
  {
    id: "G22 sideways by hand, then shown",
    build: async () => {
      const token = await appendExternal(await minted(), delegationStatements("urn:x:bob", T0 + 300), {});
      return authenticateIdentity(token.toBytes(), {}, at());
    },
    expect: "identity_mismatch",
  },
  {
    id: "G22 not delegatable",
    build: () => delegated(`${alice}:a`, { delegatable: false }),
    expect: "delegation_failed",
    data: { reason: "identity_mismatch" },
  },
  {
    id: "G22 not delegatable, by hand",
    build: async () => {
      const statements = delegationStatements(`${alice}:a`, T0 + 300);
      const token = await appendExternal(await minted({ delegatable: false }), statements, {});
      return authenticateIdentity(token.toBytes(), {}, at());
    },
    expect: "identity_mismatch",
  },
  {
    id: "G22 holder states who acts",
    build: async () => {
      const token = await appendOwn(
        await minted({ delegatable: false }),
        [[`actor("urn:x:bob"); subject("urn:x:bob");`, {}]],
        {},
      );
      return verify(token, "urn:x:bob");
    },
    expect: "identity_mismatch",
  },
  {
    id: "G22 parent expired",
    build: async () => {
      const token = await minted();
      return delegateIdentity(token.toBytes(), { identity: `${alice}:a` }, at(T0 + 300));
    },
    expect: "delegation_failed",
    data: { reason: "token_expired" },
  },
  {
    id: "G22 parent expires before the delegate",
    build: async () => {
      const options = { ...at(), lifetimeMs: 3_600_000 };
      const token = await delegateIdentity((await minted()).toBytes(), { identity: `${alice}:a` }, options);
      return verify(token, `${alice}:a`, T0 + 300);
    },
    expect: "token_expired",
    data: { expiredAt: (T0 + 300) * 1000, now: (T0 + 300) * 1000, block: 0, check: 1 },
  },
  { id: "G22 a depth of 30", build: async () => verify(await deep(30), alice + ":d".repeat(30)), expect: "accepted" },
  {
    id: "G22 a depth of 40",
    build: async () => verify(await deep(40), alice + ":d".repeat(40)),
    expect: "token_limit",
  },
  {
    id: "G19 five seconds are over",
    build: async () => verify(await narrowToken((await minted()).toBytes(), at()), alice, T0 + 5),
    expect: "token_expired",
  },
  {
    id: "G19 the last second",
    build: async () => verify(await narrowToken((await minted()).toBytes(), at()), alice, T0 + 4),
    expect: "accepted",
  },
  {
    id: "domain: none stated",
    build: async () => verify(await minted({ domain: "corp" }), alice),
    expect: "domain_mismatch",
    data: { expected: "corp", provided: undefined },
  },
  {
    id: "domain: required of a token without one",
    build: async () =>
      verifyIdentity((await minted()).toBytes(), { identity: alice, domain: "corp", requireDomain: true }, at()),
    expect: "domain_mismatch",
    data: { provided: "corp" },
  },
  {
    id: "domain: holder states one",
    build: async () => verify(await appendOwn(await minted({ domain: "corp" }), [[`domain("corp");`, {}]], {}), alice),
    expect: "domain_mismatch",
  },
  {
    id: "domain: delegated in it",
    build: async () => {
      const token = await minted({ domain: "corp" });
      return delegateIdentity(token.toBytes(), { identity: `${alice}:a`, domain: "corp" }, at());
    },
    expect: "accepted",
  },
  {
    id: "names: no empty subject",
    build: () => mintIdentity(keys.root, { subject: "" }, at()),
    expect: "invalid_name",
    data: { name: "subject" },
  },
  {
    id: "names: no control character in a resource",
    build: () => mintAuthorization(keys.root, { ...right, resource: "a\u0007" }, at()),
    expect: "invalid_name",
    data: { name: "resource" },
  },
  {
    id: "names: no empty component",
    build: () => mintAuthorization(keys.root, { ...right, parties: [{ ...parties[0], component: "" }] }, at()),
    expect: "invalid_name",
  },
  {
    id: "names: no empty operation",
    build: () => mintCapability(keys.root, { ...right, operation: "" }, at()),
    expect: "invalid_name",
  },
  {
    id: "names: no half of a letter",
    build: () => mintContext(keys.root, { subject: "\udc00" }, at()),
    expect: "invalid_name",
  },
  {
    id: "names: no empty signoff",
    build: async () => signOff((await minted()).toBytes(), { component: "", key: keys.finance }, { rootKey }),
    expect: "invalid_name",
  },
];
