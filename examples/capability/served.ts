import {
  type Authority,
  type ConfigInput,
  createAuthority,
  createKeyEncryptionKey,
  createMemoryStore,
  parseConfig,
} from "@countersign/authority";
import { serveAuthority } from "@countersign/authority/node";
import { type Clock, systemClock, systemRandom } from "@countersign/protocol";
import { type Certified, makeAuthority, makeCertificate } from "../../packages/cli/src/x509/certificate.ts";

const dayMs = 86_400_000;

function content(name: string, names: readonly string[]) {
  const now = systemClock.now();
  return { name, names, from: now - 60_000, until: now + dayMs, serial: systemRandom.bytes(16) };
}

/** A certificate authority, and certificates of it. */
export interface Certificates {
  /** The authority, PEM. */
  readonly ca: string;
  /** A server on loopback. */
  readonly server: Certified;
  /** A client with this identity. */
  client(identity: string): Certified;
}

/** Makes a certificate authority, as `countersign tls init` does. */
export function makeCertificates(): Certificates {
  const ca = makeAuthority(content("Countersign development CA", []));
  return {
    ca: ca.cert,
    server: makeCertificate({ ...content("server", ["127.0.0.1", "localhost"]), use: "server" }, ca),
    client: (identity) => makeCertificate({ ...content("client", [identity]), use: "client" }, ca),
  };
}

/** An authority on a socket with TLS, which knows clients by their certificates. */
export interface CapabilityAuthority extends AsyncDisposable {
  readonly authority: Authority;
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly port: number;
}

/** What it is to know. */
export interface CapabilityAuthorityOptions {
  readonly certificates: Certificates;
  /** As a policy document spells it. */
  readonly policy: Readonly<Record<string, unknown>>;
  readonly capability?: ConfigInput["capability"];
  readonly clock?: Clock;
  /** @default any that is free */
  readonly port?: number;
}

/** Serves an authority in memory over mTLS, with a policy. */
export async function serveCapability(options: CapabilityAuthorityOptions): Promise<CapabilityAuthority> {
  const { certificates, policy, port: wanted = 0, capability, clock = systemClock } = options;
  const { ca, server } = certificates;
  const relay: { authority?: Authority } = {};
  const unavailable = { status: 503, headers: {}, body: null };
  const served = await serveAuthority(
    { respond: async (...args) => (await relay.authority?.respond(...args)) ?? unavailable },
    { port: wanted, tls: { ...server, clientAuthorities: ca } },
  );
  const { port } = new URL(served.url);
  const authority = await createAuthority({
    config: parseConfig({ issuer: served.url, ...(capability === undefined ? {} : { capability }) }),
    store: createMemoryStore({ clock }),
    keyEncryptionKey: createKeyEncryptionKey(systemRandom.bytes(32)),
    serverAuthority: ca,
    clientCertificates: "self-signed or trusted",
    signing: "inline",
    clock,
  });
  relay.authority = authority;
  await authority.services.policy.set(policy, { actor: "setup" });
  return {
    authority,
    port: Number(port),
    address: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await served.close();
      await authority.close();
    },
  };
}
