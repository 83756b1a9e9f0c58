import { FakeClock, seededRandom } from "@countersign/protocol/testing";
import type { AuthorityEvent } from "../../src/audit/events.ts";
import { type AuditTrail, createAuditTrail } from "../../src/audit/trail.ts";
import { type ClientService, createClientService } from "../../src/clients/client-service.ts";
import type { ClientSettings } from "../../src/clients/client-settings.ts";
import { type Config, type ConfigInput, parseConfig } from "../../src/config.ts";
import { grantTable } from "../../src/grants/grant-table.ts";
import { createLimits, type Limits } from "../../src/limits/attempt-limits.ts";
import { createPasswordHasher, type Derive, type PasswordHasher } from "../../src/limits/passwords.ts";
import type { PasswordCost } from "../../src/limits/phc.ts";
import { createPolicyService, type PolicyService } from "../../src/policy-store/policy-service.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import type { Registration } from "../../src/users/new-user.ts";
import { createUserService, type UserService } from "../../src/users/user-service.ts";

/** What a test may choose; nodes of one world share store and clock. */
export interface NodeOptions {
  readonly clock?: FakeClock;
  readonly store?: Store;
  readonly config?: Omit<ConfigInput, "issuer">;
  readonly seed?: number | string;
  readonly cost?: PasswordCost;
  readonly derive?: Derive;
}

/** The services of one node, all real. */
export interface Node {
  readonly clock: FakeClock;
  readonly random: ReturnType<typeof seededRandom>;
  readonly store: Store;
  readonly config: Config;
  readonly audit: AuditTrail;
  readonly limits: Limits;
  readonly passwords: PasswordHasher;
  readonly users: UserService;
  readonly clients: ClientService;
  readonly policy: PolicyService;
  readonly events: readonly AuthorityEvent[];
}

/** As little as argon2id takes (RFC 9106 section 3.1): the same code, a thousand times faster. */
export const leastCost: PasswordCost = { memoryKib: 8, passes: 1, lanes: 1 };

const defaults = configOf({});

function configOf(input: Omit<ConfigInput, "issuer">): Config {
  return parseConfig({ issuer: "http://localhost:8080", ...input });
}

/** Makes the services of one node. */
export function makeNode(options: NodeOptions = {}): Node {
  const { clock = new FakeClock(), seed = 1, cost = leastCost, derive } = options;
  const { store = createMemoryStore({ clock }) } = options;
  const random = seededRandom(seed);
  const config = options.config === undefined ? defaults : configOf(options.config);
  const events: AuthorityEvent[] = [];
  const observer = { event: (event: AuthorityEvent) => events.push(event), request: () => {} };
  const retentionMs = config.audit.retention * 1000;
  const audit = createAuditTrail({ store, clock, random, observer, retentionMs });
  const limits = createLimits({ store, clock, config });
  const passwords = createPasswordHasher({ clock, random, config, cost, ...(derive === undefined ? {} : { derive }) });
  const users = createUserService({ store, clock, random, audit, limits, passwords });
  const clients = createClientService({
    store,
    clock,
    random,
    audit,
    keys: { announce: async () => {} },
    grants: grantTable(),
  });
  const policy = createPolicyService({ store, clock, audit });
  return { clock, random, store, config, audit, limits, passwords, users, clients, policy, events };
}

/** The settings of a client that is superuser by itself; a test states only what matters. */
export function aMachine(fields: Partial<ClientSettings> = {}): ClientSettings {
  return {
    clientName: "ops",
    scopes: ["superuser"],
    grants: ["client_credentials"],
    loopback: false,
    authMethod: "client_secret_basic",
    token: {},
    disabled: false,
    ...fields,
  };
}

/** A registration; a test states only what matters. */
export function aRegistration(fields: Partial<Registration> = {}): Registration {
  return { username: "alice", password: "correct horse battery", fullName: "Alice", scopes: [], ...fields };
}
