import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Biscuit, type PrivateKey, SignatureCache } from "@countersign/biscuit";
import fc from "fast-check";
import { appendExternal, appendOwn } from "../../src/capability/append.ts";
import {
  attestationStatements,
  prefixStatements,
  signoffStatements,
} from "../../src/capability/authorization-blocks.ts";
import { delegationStatements, narrowingStatements } from "../../src/capability/identity-blocks.ts";
import {
  type AuthorizationRequest,
  CountersignError,
  mintAuthorization,
  mintIdentity,
  verifyAuthorizationSync,
  verifyIdentitySync,
} from "../../src/capability/index.ts";
import type { Statement } from "../../src/capability/statement.ts";
import { alice, at, chain, keys, parties, publicKey, right, T0 } from "./fixtures.ts";

/** `COUNTERSIGN_CHAINS=100000` for the long run. */
const chains = Number(process.env.COUNTERSIGN_CHAINS ?? 1000);

type KeyName = "gateway" | "orders" | "ledger" | "finance" | "risk" | "prefix" | "stranger";

/** What a holder, or somebody who signs for one, does to a token. */
type Step =
  | { readonly kind: "delegate"; readonly identity: string; readonly expiration: number }
  | { readonly kind: "narrow"; readonly expiration: number }
  | { readonly kind: "attest"; readonly key: KeyName; readonly service: string }
  | { readonly kind: "sign"; readonly key: KeyName; readonly component: string }
  | { readonly kind: "prefix"; readonly key: KeyName; readonly prefix: string }
  | { readonly kind: "claim"; readonly key: KeyName | undefined; readonly code: string };

const identities = [alice, `${alice}:a`, `${alice}:a:b`, `${alice}:ab`, `${alice}a`, "urn:x:bob", ""];
const resources = ["invoices", "invoice", "gateway"];
const prefixes = ["t/", "t/1/"];
const ends = [T0 - 1, T0, T0 + 1, T0 + 600];
const components = ["finance.example", "risk.example", "finance"];
const keyName = fc.constantFrom<KeyName>("gateway", "orders", "ledger", "finance", "risk", "prefix", "stranger");

/** What somebody states, in the hope that somebody believes it. */
const claims = [
  `right("urn:x:bob", "invoices", "write"); right("${alice}", "invoice", "read");`,
  `subject("urn:x:bob"); actor("urn:x:bob"); resource("invoice"); operation("write"); time(0);`,
  `domain("corp"); prefix("t/"); prefix("t/1/");`,
  `allowed(true); right($s, $r, $o) <- subject($s), resource($r), operation($o);`,
  `subject($a) <- actor($a); actor($s) <- subject($s);`,
];

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("delegate"),
    identity: fc.constantFrom(...identities),
    expiration: fc.constantFrom(...ends),
  }),
  fc.record({ kind: fc.constant("narrow"), expiration: fc.constantFrom(...ends) }),
  fc.record({ kind: fc.constant("attest"), key: keyName, service: fc.constantFrom(...resources) }),
  fc.record({ kind: fc.constant("sign"), key: keyName, component: fc.constantFrom(...components) }),
  fc.record({ kind: fc.constant("prefix"), key: keyName, prefix: fc.constantFrom(...prefixes) }),
  fc.record({
    kind: fc.constant("claim"),
    key: fc.option(keyName, { nil: undefined }),
    code: fc.constantFrom(...claims),
  }),
) as fc.Arbitrary<Step>;

function statementsOf(taken: Step): { readonly statements: Statement[]; readonly key?: PrivateKey } {
  if (taken.kind === "delegate") return { statements: delegationStatements(taken.identity, taken.expiration) };
  if (taken.kind === "narrow") return { statements: narrowingStatements(taken.expiration) };
  if (taken.kind === "attest") return { statements: attestationStatements(taken.service), key: keys[taken.key] };
  if (taken.kind === "sign") return { statements: signoffStatements(taken.component), key: keys[taken.key] };
  if (taken.kind === "prefix") return { statements: prefixStatements(taken.prefix), key: keys[taken.key] };
  return { statements: [[taken.code, {}]], ...(taken.key === undefined ? {} : { key: keys[taken.key] }) };
}

async function walked(token: Biscuit, steps: readonly Step[]): Promise<Biscuit> {
  let made = token;
  for (const taken of steps) {
    const { statements, key } = statementsOf(taken);
    const isOwn = taken.kind === "claim" && key === undefined;
    made = isOwn ? await appendOwn(made, statements, {}) : await appendExternal(made, statements, {}, key);
  }
  return made;
}

/** A block in which somebody states the time for the check beside it would be no end; steps state and check apart. */
const endsHold = (steps: readonly Step[]): boolean =>
  steps.every((taken) => !("expiration" in taken) || T0 < taken.expiration);

const isWithin = (actor: string, identity: string): boolean => actor === identity || actor.startsWith(`${identity}:`);

const namesHold = (steps: readonly Step[], actor: string): boolean =>
  steps.every((taken) => taken.kind !== "delegate" || isWithin(actor, taken.identity));

const prefixesHold = (steps: readonly Step[], prefix: string | undefined): boolean =>
  steps.every((taken) => taken.kind !== "prefix" || taken.prefix === prefix);

function holds(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof CountersignError) return false;
    throw error;
  }
}

/** Who an identity token stands for after these steps. */
function identityHolds(steps: readonly Step[], actor: string): boolean {
  return isWithin(actor, alice) && endsHold(steps) && namesHold(steps, actor) && prefixesHold(steps, undefined);
}

interface Question extends AuthorizationRequest {
  readonly subject: string;
}

const content = { ...right, prefixKey: publicKey("prefix"), serviceChain: chain, parties };

const hasSigned = (steps: readonly Step[], key: KeyName, component: string): boolean =>
  steps.some((taken) => taken.kind === "sign" && taken.key === key && taken.component === component);

function chainHolds(steps: readonly Step[], component: string | undefined): boolean {
  const own = chain.findIndex((node) => node.component === component);
  const passed = own < 0 ? chain : chain.slice(0, own);
  return passed.every(({ component: key }) =>
    steps.some((taken) => taken.kind === "attest" && taken.key === key && taken.service === right.resource),
  );
}

/** What an authorization token grants after these steps: what it was minted with, once all of it was added. */
function authorizationHolds(steps: readonly Step[], question: Question): boolean {
  const isRight =
    question.subject === right.subject &&
    question.resource === right.resource &&
    question.operation === right.operation;
  const isDelegated = steps.some(({ kind }) => kind === "delegate");
  const isComplete =
    hasSigned(steps, "finance", "finance.example") &&
    hasSigned(steps, "risk", "risk.example") &&
    steps.some((taken) => taken.kind === "prefix" && taken.key === "prefix");
  const asked = prefixesHold(steps, question.prefix) && chainHolds(steps, question.serviceChain?.component);
  return isRight && isComplete && asked && !isDelegated && endsHold(steps);
}

/** The steps that complete the token, so that chains which grant something are not too rare to tell. */
const completing: readonly Step[] = [
  { kind: "sign", key: "finance", component: "finance.example" },
  { kind: "sign", key: "risk", component: "risk.example" },
  { kind: "prefix", key: "prefix", prefix: "t/1/" },
  { kind: "attest", key: "gateway", service: "invoices" },
  { kind: "attest", key: "orders", service: "invoices" },
];

const question: fc.Arbitrary<Question> = fc.record({
  subject: fc.constantFrom<string>(alice, alice, alice, "urn:x:bob"),
  resource: fc.constantFrom<string>("invoices", "invoices", "invoices", "invoice"),
  operation: fc.constantFrom<string>("read", "read", "read", "write"),
  prefix: fc.constantFrom(...prefixes, "t/1/"),
  serviceChain: fc.constantFrom(
    { nodes: chain, component: "gateway" },
    { nodes: chain, component: "orders" },
    { nodes: chain, component: "ledger" },
    { nodes: chain },
  ),
});

const authorizationSteps = fc.oneof(
  fc.array(step, { maxLength: 4 }),
  fc
    .tuple(fc.shuffledSubarray([...completing], { minLength: 3 }), fc.array(step, { maxLength: 2 }))
    .map(([some, others]) => [...some, ...others]),
);

describe("random chains of blocks", () => {
  const options = { ...at(), cache: new SignatureCache(64) };

  it(`never make an identity token stand for more than the model says (${chains / 2})`, async () => {
    const token = await mintIdentity(keys.root, { subject: alice, delegatable: true }, at());
    let accepted = 0;
    const property = fc.asyncProperty(fc.array(step, { maxLength: 5 }), async (steps) => {
      const made = (await walked(token, steps)).toBytes();
      for (const identity of identities) {
        const verdict = holds(() => verifyIdentitySync(made, { identity }, options));
        assert.equal(verdict, identityHolds(steps, identity), identity);
        if (verdict) accepted++;
      }
    });
    await fc.assert(property, { numRuns: chains / 2, seed: 13 });
    assert.ok(accepted > chains / 20, `${accepted} of them held`);
  });

  it(`never make an authorization token grant more than the model says (${chains / 2})`, async () => {
    const token = await mintAuthorization(keys.root, content, at());
    let accepted = 0;
    const property = fc.asyncProperty(
      authorizationSteps,
      fc.array(question, { minLength: 4, maxLength: 4 }),
      async (steps, questions) => {
        const made = (await walked(token, steps)).toBytes();
        for (const asked of questions) {
          const verdict = holds(() => verifyAuthorizationSync(made, asked, options));
          assert.equal(verdict, authorizationHolds(steps, asked), JSON.stringify(asked));
          if (verdict) accepted++;
        }
      },
    );
    await fc.assert(property, { numRuns: chains / 2, seed: 13 });
    assert.ok(accepted > chains / 50, `${accepted} of them held`);
  });

  it("never make a token hold for whom what it was made of did not, unless a party it names signed", async () => {
    const token = await mintIdentity(keys.root, { subject: alice, delegatable: true }, at());
    const property = fc.asyncProperty(fc.array(step, { maxLength: 3 }), step, async (steps, last) => {
      const parent = await walked(token, steps);
      const [before, after] = [parent.toBytes(), (await walked(parent, [last])).toBytes()];
      for (const identity of identities) {
        if (!holds(() => verifyIdentitySync(after, { identity }, options))) continue;
        assert.ok(
          holds(() => verifyIdentitySync(before, { identity }, options)),
          identity,
        );
      }
    });
    await fc.assert(property, { numRuns: Math.ceil(chains / 4), seed: 13 });
  });
});
