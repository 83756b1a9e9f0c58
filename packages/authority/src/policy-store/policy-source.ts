import { type Clock, CountersignError } from "@countersign/protocol";
import type { Policy } from "../policy/compile.ts";
import { decide, type PolicyDecision } from "../policy/decide.ts";
import type { PolicyRequest } from "../policy/request.ts";
import { keys } from "../store/keys.ts";
import type { Store } from "../store/store.ts";
import { compilePacked, type PolicyRecord } from "./policy-record.ts";

/** The policy that counts now. */
export interface PolicyInForce {
  /** Absent where there is none: then client and user alone bound scopes, and nothing allows a capability. */
  readonly policy?: Policy;
  /** Where it comes from. A policy of the configuration counts in place of the store's. */
  readonly origin: "none" | "configuration" | "store";
  /** The revision of the store's policy; 0 where it never had one, and for a policy of the configuration. */
  readonly revision: number;
}

/** Where the rest of the authority gets the policy from. */
export interface PolicySource {
  /**
   * The policy that counts now: this node's changes at once, those of other nodes within `reloadAfterMs`.
   *
   * @throws {CountersignError} `temporarily_unavailable` where the store cannot be read: nobody is judged by a policy that
   * may be out of date, or by none.
   */
  current(): Promise<PolicyInForce>;
  /** Decides about one request by it. Without a policy everything is refused, with the reason `no_policy`. */
  decide(request: PolicyRequest): Promise<PolicyDecision>;
  /** Reads the policy anew at the next request, whatever its age: for whoever hears of another node's change. */
  expire(): void;
}

/** What a source of policies is made with. */
export interface PolicySourceOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** The policy of the configuration, which counts in place of the store's. @default the store's, if it has one */
  readonly configured?: Policy;
  /** How old a node's knowledge of the policy may be, in milliseconds. @default 5000 */
  readonly reloadAfterMs?: number;
}

/** How old a node's knowledge of the policy may be. */
const DEFAULT_RELOAD_AFTER_MS = 5000;

/**
 * Keeps the compiled policy of a store. On a store that this process alone writes it is read once; on one that is shared it
 * is read again when it is older than `reloadAfterMs`, by the request that asks then.
 *
 * @example
 * ```ts
 * const { allowed } = await services.policy.decide({ kind: "access_token", subject: "alice", scope: "orders.read" });
 * ```
 */
export class StoredPolicySource implements PolicySource {
  readonly #options: PolicySourceOptions;
  #inForce: PolicyInForce;
  #readAt: number | undefined;
  #reading: Promise<PolicyInForce> | undefined;

  constructor(options: PolicySourceOptions) {
    const { configured } = options;
    this.#options = options;
    this.#inForce =
      configured === undefined
        ? { origin: "none", revision: 0 }
        : { policy: configured, origin: "configuration", revision: 0 };
  }

  async current(): Promise<PolicyInForce> {
    if (this.#isFresh()) return this.#inForce;
    this.#reading ??= this.#read();
    return this.#reading;
  }

  async decide(request: PolicyRequest): Promise<PolicyDecision> {
    const { policy } = await this.current();
    return policy === undefined ? { allowed: false, reason: "no_policy" } : decide(policy, request);
  }

  expire(): void {
    this.#readAt = undefined;
    // What is being read may be older than the change.
    this.#reading = undefined;
  }

  /** Takes what this node has just written, or read. What is older than what it knows is passed over. */
  adopt(record: PolicyRecord | undefined, policy?: Policy): PolicyInForce {
    const revision = record?.revision ?? 0;
    if (revision > this.#inForce.revision) this.#inForce = inForce(record, policy);
    return this.#inForce;
  }

  #isFresh(): boolean {
    const { store, clock, reloadAfterMs = DEFAULT_RELOAD_AFTER_MS } = this.#options;
    if (this.#inForce.origin === "configuration") return true;
    if (this.#readAt === undefined) return false;
    return store.exclusive === true || clock.monotonic() - this.#readAt < reloadAfterMs;
  }

  #read(): Promise<PolicyInForce> {
    const { store, clock } = this.#options;
    // It is as old as the question, however long the answer takes.
    const readAt = clock.monotonic();
    const reading: Promise<PolicyInForce> = store
      .get<PolicyRecord>(keys.policy())
      .then((item) => this.adopt(item?.value))
      .then((known) => {
        if (this.#reading === reading) this.#readAt = readAt;
        return known;
      })
      .finally(() => {
        if (this.#reading === reading) this.#reading = undefined;
      });
    return reading;
  }
}

function inForce(record: PolicyRecord | undefined, policy: Policy | undefined): PolicyInForce {
  if (record?.document === undefined) return { origin: "none", revision: record?.revision ?? 0 };
  return { policy: policy ?? compiled(record, record.document), origin: "store", revision: record.revision };
}

function compiled({ revision }: PolicyRecord, document: NonNullable<PolicyRecord["document"]>): Policy {
  try {
    return compilePacked(document);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "";
    const detail = `revision ${revision} of the policy cannot be read by this version: ${why}`;
    throw new CountersignError("temporarily_unavailable", { detail, cause });
  }
}
