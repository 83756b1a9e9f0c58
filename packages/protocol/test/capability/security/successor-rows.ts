import { type Biscuit, KeyPair, type PrivateKey } from "@countersign/biscuit";
import {
  addExposure,
  attenuateCapability,
  attestCapability,
  type CapabilityAttestation,
  type CapabilityContent,
  type CapabilityRequest,
  compoundLabel,
  forkContext,
  mintCapability,
  mintContext,
  verifyCapability,
  verifyContext,
} from "../../../src/capability/index.ts";
import { alice, at, keys, publicKey, right, T0 } from "../fixtures.ts";
import type { Row } from "./case.ts";

const minted = (content: Partial<CapabilityContent> = {}): Promise<Biscuit> =>
  mintCapability(keys.root, { ...right, ...content }, at());

const { subject: _, ...asked } = right;
const verify = (token: Biscuit, request: Partial<CapabilityRequest> = {}, now = T0): Promise<unknown> =>
  verifyCapability(token.toBytes(), { ...asked, ...request }, at(now));

const tenant = { label: "tenant", value: "T1" };
const anchored = { designations: [{ label: "anchor", value: "tool:compute" }] };
const latent = (): Promise<Biscuit> => minted({ activationKey: publicKey("activator") });

async function activated(key: PrivateKey, attestation: CapabilityAttestation, lifetimeMs?: number): Promise<Biscuit> {
  const until = lifetimeMs === undefined ? {} : { lifetimeMs };
  return attestCapability((await latent()).toBytes(), { key, ...attestation }, { ...at(), ...until });
}

const issuer = KeyPair.fromSync(keys.root);

async function exposed(labels: readonly string[] = ["PII:SSN"]): Promise<Biscuit> {
  const token = await mintContext(keys.root, { subject: alice }, at());
  return addExposure(token.toBytes(), { source: "data:ssn", labels }, issuer, at());
}

const context = (token: Biscuit, excludes: readonly string[] = [], now = T0): Promise<unknown> =>
  verifyContext(token.toBytes(), { excludes }, at(now));

/** Attacks on the tokens of the successor line. */
export const successorRows: readonly Row[] = [
  { id: "capability: plain", build: async () => verify(await minted()), expect: "accepted" },
  {
    id: "capability: of its subject",
    build: async () => verify(await minted(), { subject: alice }),
    expect: "accepted",
  },
  {
    id: "capability: of another subject",
    build: async () => verify(await minted(), { subject: "urn:x:bob" }),
    expect: "rights_denied",
    data: { subject: "urn:x:bob", resource: "invoices", operation: "read" },
  },
  {
    id: "capability: of another operation",
    build: async () => verify(await minted(), { operation: "write" }),
    expect: "rights_denied",
  },
  {
    id: "capability: holder adds a right",
    build: async () =>
      verify(await (await minted()).attenuate(`right("${alice}", "invoices", "write");`), { operation: "write" }),
    expect: "rights_denied",
  },
  {
    id: "capability: designation not stated",
    build: async () => verify(await minted({ designations: [tenant] })),
    expect: "designation_mismatch",
    data: tenant,
  },
  {
    id: "capability: designation of another value",
    build: async () => verify(await minted({ designations: [tenant] }), { designations: [{ ...tenant, value: "T2" }] }),
    expect: "designation_mismatch",
  },
  {
    id: "capability: holder states the designation",
    build: async () =>
      verify(await (await minted({ designations: [tenant] })).attenuate(`designation("tenant", "T1");`)),
    expect: "designation_mismatch",
  },
  {
    id: "capability: in its place",
    build: async () => verify(await minted(anchored), { anchor: "tool:compute" }),
    expect: "accepted",
  },
  {
    id: "capability: in another place",
    build: async () => verify(await minted(anchored), { anchor: "tool" }),
    expect: "designation_mismatch",
  },
  {
    id: "capability: narrowed",
    build: async () =>
      verify(await attenuateCapability((await minted()).toBytes(), { designations: [tenant] }, at()), {
        designations: [tenant],
      }),
    expect: "accepted",
  },
  {
    id: "capability: narrowed, and not stated",
    build: async () => verify(await attenuateCapability((await minted()).toBytes(), { designations: [tenant] }, at())),
    expect: "designation_mismatch",
    data: { ...tenant, block: 1 },
  },
  {
    id: "capability: narrowed in time",
    build: async () => {
      const options = { ...at(), lifetimeMs: 60_000 };
      return verify(await attenuateCapability((await minted()).toBytes(), {}, options), {}, T0 + 60);
    },
    expect: "token_expired",
    data: { expiredAt: (T0 + 60) * 1000, block: 1 },
  },
  {
    id: "latent: used as it is",
    build: async () => verify(await latent()),
    expect: "activation_missing",
    data: { key: publicKey("activator").toString() },
  },
  {
    id: "latent: activated",
    build: async () => verify(await activated(keys.activator, { activate: true })),
    expect: "accepted",
  },
  {
    id: "latent: activated by a stranger",
    build: async () => verify(await activated(keys.stranger, { activate: true })),
    expect: "activation_missing",
  },
  {
    id: "latent: activated by its holder",
    build: async () => verify(await (await latent()).attenuate("activation(1);")),
    expect: "activation_missing",
  },
  {
    id: "latent: stated and not activated",
    build: async () => verify(await activated(keys.activator, { states: [tenant] })),
    expect: "activation_missing",
  },
  {
    id: "latent: activated for half a minute",
    build: async () => verify(await activated(keys.activator, { activate: true }, 30_000), {}, T0 + 30),
    expect: "token_expired",
  },
  {
    id: "latent: activated, and a party must state more",
    build: async () => {
      const trustedDesignations = [{ ...tenant, publicKey: publicKey("activator") }];
      return verify(await activated(keys.activator, { activate: true, trustedDesignations }));
    },
    expect: "designation_mismatch",
    data: { ...tenant, key: publicKey("activator").toString() },
  },
  {
    id: "context: fresh",
    build: async () => context(await mintContext(keys.root, { subject: alice }, at()), ["PII:SSN"]),
    expect: "accepted",
  },
  {
    id: "context: exposed to what is excluded",
    build: async () => context(await exposed(), ["other", "PII:SSN"]),
    expect: "exposure_refused",
    data: { label: "PII:SSN" },
  },
  {
    id: "context: exposed to something else",
    build: async () => context(await exposed(), ["PII", "PII:SSN:x"]),
    expect: "accepted",
  },
  { id: "context: expired", build: async () => context(await exposed(), [], T0 + 300), expect: "token_expired" },
  {
    id: "context: a fork inherits",
    build: async () =>
      context(await forkContext((await exposed()).toBytes(), { subject: `${alice}:sub` }, issuer, at()), ["PII:SSN"]),
    expect: "exposure_refused",
  },
  {
    id: "context: forked after its end",
    build: async () => forkContext((await exposed()).toBytes(), { subject: alice }, issuer, at(T0 + 300)),
    expect: "token_expired",
  },
  {
    id: "context: exposed by somebody else",
    build: async () => {
      const token = await mintContext(keys.root, { subject: alice }, at());
      return addExposure(token.toBytes(), { source: "s", labels: ["l"] }, KeyPair.fromSync(keys.stranger), at());
    },
    expect: "token_signature",
  },
  { id: "context: a compound label", build: () => exposed([compoundLabel(["b", "a", "b"])]), expect: "accepted" },
  { id: "context: a compound label out of order", build: () => exposed(["b&a"]), expect: "invalid_name" },
  { id: "context: a compound label of one twice", build: () => exposed(["a&a"]), expect: "invalid_name" },
  { id: "context: a label of nothing", build: () => exposed(["a&"]), expect: "invalid_name" },
  { id: "context: a label with the sign &", build: async () => compoundLabel(["a&b"]), expect: "invalid_name" },
  ...[
    { label: "", value: "T1" },
    { label: "tenant", value: "" },
    { label: "tenant", value: "T\n1" },
    { label: "\ud800", value: "T1" },
  ].flatMap((designation): Row[] => {
    const name = JSON.stringify(designation);
    const amended = async () => (await latent()).toBytes();
    return [
      { id: `names: minted for ${name}`, build: () => minted({ designations: [designation] }), expect: "invalid_name" },
      {
        id: `names: narrowed to ${name}`,
        build: async () => attenuateCapability(await amended(), { designations: [designation] }, at()),
        expect: "invalid_name",
      },
      {
        id: `names: trusted with ${name}`,
        build: async () => {
          const trustedDesignations = [{ ...designation, publicKey: publicKey("activator") }];
          return attenuateCapability(await amended(), { trustedDesignations }, at());
        },
        expect: "invalid_name",
      },
      {
        id: `names: stated ${name}`,
        build: () => activated(keys.activator, { states: [designation] }),
        expect: "invalid_name",
      },
    ];
  }),
];
