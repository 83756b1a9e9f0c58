import { type Clock, CountersignError, defined } from "@countersign/protocol";
import type { AuditTrail, EventDraft, RecordedEdit } from "../audit/trail.ts";
import { compilePolicy, type Policy } from "../policy/compile.ts";
import { decide } from "../policy/decide.ts";
import { readPolicy } from "../policy/read.ts";
import type { PolicyRequest } from "../policy/request.ts";
import { keys, owners } from "../store/keys.ts";
import type { Change, Item, Store } from "../store/store.ts";
import { compilePacked, type PolicyRecord, packDocument } from "./policy-record.ts";
import { type PolicySource, type PolicySourceOptions, StoredPolicySource } from "./policy-source.ts";

/** How the policy is changed. */
export interface ChangeOptions {
  /** Who stands in the audit trail. */
  readonly actor: string;
  /** The revision that is to be replaced, 0 for none. @default whichever there is */
  readonly expectedRevision?: number;
  /** What must still be allowed afterwards, so that whoever changes the policy can change it back. @default nothing */
  readonly keeping?: PolicyRequest;
}

/** Which revisions to list. */
export interface HistoryPage {
  /** 1 to 1,000. */
  readonly limit: number;
  /** Only those before this one. */
  readonly before?: number;
}

/**
 * The policy of the store: every change is one commit with its audit record and its place in the history, and counts on this
 * node at once. Changes are refused with `conflict` where the configuration holds the policy, and with `precondition_failed`
 * where another revision than the expected one counts.
 */
export interface PolicyService extends PolicySource {
  /**
   * Sets a document: what its TOML holds. The same document again changes nothing.
   *
   * @throws {PolicyError} with every fault of it.
   * @throws {CountersignError} `last_superuser` where it refuses what must be kept, `payload_too_large`.
   */
  set(document: object, options: ChangeOptions): Promise<PolicyRecord>;
  /** Removes the document: client and user alone bound scopes then, and nothing allows a capability. */
  remove(options: ChangeOptions): Promise<PolicyRecord>;
  /** Sets the document of an earlier revision again, as a new one. Refuses with `not_found` when it is not kept. */
  rollback(revision: number, options: ChangeOptions): Promise<PolicyRecord>;
  /** Who made the policy what it is; `undefined` where nobody ever set one. */
  latest(): Promise<PolicyRecord | undefined>;
  /** One of the {@link KEPT_REVISIONS} last revisions. */
  revision(revision: number): Promise<PolicyRecord | undefined>;
  /** Revisions, newest first. */
  history(page: HistoryPage): Promise<readonly PolicyRecord[]>;
}

/** What a policy service is made of. */
export interface PolicyServiceOptions extends PolicySourceOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly audit: AuditTrail;
}

/** How many revisions are kept. */
export const KEPT_REVISIONS = 200;

/** An item takes 256 KiB, and a record has members beside its document. */
const MAX_PACKED_LENGTH = 250 * 1024;

/** What is to become of the policy. */
interface NextPolicy extends Pick<PolicyRecord, "change" | "rolledBackTo"> {
  /** Absent where there is to be none. */
  readonly policy?: Policy;
}

/**
 * Makes the service that keeps the policy in the store.
 *
 * @example
 * ```ts
 * import { testAuthority } from "@countersign/authority/testing";
 * const { services } = await testAuthority();
 * const document = { format: "countersign-policy/1", version: 1 };
 * (await services.policy.set(document, { actor: "admin_id" })).revision; // 1
 * ```
 */
export function createPolicyService(options: PolicyServiceOptions): PolicyService {
  const { store } = options;
  const source = new StoredPolicySource(options);
  const revision = async (number: number) => (await readRevision(store, number))?.value;
  return {
    current: () => source.current(),
    decide: (request) => source.decide(request),
    expire: () => source.expire(),

    set: (document, change) => {
      const policy = compilePolicy(readPolicy(document));
      return replace({ change: "set", policy }, change, { ...options, source });
    },

    remove: (change) => replace({ change: "delete" }, change, { ...options, source }),

    async rollback(number, change) {
      const record = await revision(number);
      if (record === undefined) throw new CountersignError("not_found", { hint: "No such revision is kept" });
      const policy = record.document === undefined ? undefined : compilePacked(record.document);
      const next: NextPolicy = { change: "rollback", rolledBackTo: number, ...defined({ policy }) };
      return replace(next, change, { ...options, source });
    },

    latest: async () => (await store.get<PolicyRecord>(keys.policy()))?.value,
    revision,

    async history({ limit, before }) {
      const after = before === undefined ? {} : { after: keys.policyRevision(before) };
      const items = await store.list<PolicyRecord>(owners.policies(), { limit, reverse: true, ...after });
      return items.map(({ value }) => value);
    },
  };
}

type Parts = PolicyServiceOptions & { readonly source: StoredPolicySource };

async function replace(next: NextPolicy, options: ChangeOptions, parts: Parts): Promise<PolicyRecord> {
  if (parts.configured !== undefined) {
    throw new CountersignError("conflict", {
      hint: "The policy is in the configuration of this server; change it there",
    });
  }
  refuseLockout(next, options);
  let unchanged: PolicyRecord | undefined;
  const made = await parts.audit.update<PolicyRecord, PolicyEdit>(keys.policy(), async (item) => {
    refuseOther(item?.value, options);
    refuseRemoval(item?.value, next);
    unchanged = isSame(item?.value, next) ? item?.value : undefined;
    return unchanged === undefined ? editOf(item, next, options, parts) : undefined;
  });
  if (made !== undefined) {
    parts.source.adopt(made.draft.value, next.policy);
    return made.draft.value;
  }
  if (unchanged === undefined) throw new CountersignError("conflict");
  return unchanged;
}

interface PolicyEdit extends RecordedEdit<PolicyRecord> {
  readonly draft: { readonly value: PolicyRecord };
}

/** Nobody takes away by accident what is needed to set the policy right again. */
function refuseLockout({ policy }: NextPolicy, { keeping }: ChangeOptions): void {
  if (policy === undefined || keeping === undefined) return;
  const decision = decide(policy, keeping);
  if (decision.allowed) return;
  throw new CountersignError("last_superuser", {
    hint: "The policy refuses you the scope superuser, so you could not change it back; allow it to a role or subject that you have, or force it",
    detail: `superuser of ${keeping.subject} is refused: ${decision.rule ?? decision.reason}`,
  });
}

function refuseRemoval(current: PolicyRecord | undefined, { change }: NextPolicy): void {
  if (change !== "delete" || current?.document !== undefined) return;
  throw new CountersignError("not_found", { hint: "There is no policy" });
}

function refuseOther(current: PolicyRecord | undefined, { expectedRevision }: ChangeOptions): void {
  const revision = current?.revision ?? 0;
  if (expectedRevision === undefined || expectedRevision === revision) return;
  const detail = `revision ${expectedRevision} of the policy was expected, and it is ${revision}`;
  throw new CountersignError("precondition_failed", { detail });
}

function isSame(current: PolicyRecord | undefined, { policy }: NextPolicy): boolean {
  return current !== undefined && current.document?.hash === policy?.hash;
}

async function editOf(
  item: Item<PolicyRecord> | undefined,
  next: NextPolicy,
  { actor }: ChangeOptions,
  { store, clock }: Parts,
): Promise<PolicyEdit> {
  const previous = item?.value.revision ?? 0;
  const value = recordOf(next, { revision: previous + 1, actor, changedAt: clock.now() });
  const key = keys.policyRevision(value.revision);
  const kept = { key, expectedVersion: 0, draft: { value, owner: owners.policies() } };
  return {
    draft: { value },
    also: [kept, ...(await tooOld(store, value.revision))],
    events: [eventOf(value, previous)],
  };
}

function recordOf(
  { policy, ...what }: NextPolicy,
  made: Pick<PolicyRecord, "revision" | "actor" | "changedAt">,
): PolicyRecord {
  if (policy === undefined) return { ...made, ...what };
  const document = packDocument(policy);
  if (document.packed.length <= MAX_PACKED_LENGTH) return { ...made, ...what, document };
  throw new CountersignError("payload_too_large", {
    hint: "The policy is larger than the store takes; use patterns and roles, or name its file in policy.file",
  });
}

/** The revision that leaves the history when another one comes. */
async function tooOld(store: Store, newest: number): Promise<readonly Change[]> {
  const item = await readRevision(store, newest - KEPT_REVISIONS);
  return item === undefined ? [] : [{ key: item.key, expectedVersion: item.version, remove: true }];
}

async function readRevision(store: Store, revision: number): Promise<Item<PolicyRecord> | undefined> {
  return revision < 1 ? undefined : store.get<PolicyRecord>(keys.policyRevision(revision));
}

function eventOf({ revision, actor, change, rolledBackTo, document }: PolicyRecord, previous: number): EventDraft {
  const what = rolledBackTo === undefined ? change : `rollback to ${rolledBackTo}`;
  const about = { version: document?.version.toString(), hash: document?.hash };
  const fields = { what, revision: String(revision), previous: String(previous), actor, ...defined(about) };
  return { name: "policy.changed", fields };
}
