import { type Clock, CountersignError, type Random, randomSecret, randomUuid } from "@countersign/protocol";
import type { AuditTrail } from "../audit/trail.ts";
import { listMatching } from "../listing.ts";
import { keys, owners } from "../store/keys.ts";
import type { InvitationRecord } from "../store/records.ts";
import type { Item, Store } from "../store/store.ts";
import { isLifetime } from "../values/lifetime.ts";

/** What invitations are made with. */
export interface InvitationOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly audit: AuditTrail;
}

/** Invitations to register: codes that work once. */
export interface Invitations {
  /** Makes a code that is good for `lifetimeMs`, one minute to 90 days. The store keeps its hash only. */
  create(lifetimeMs: number, actor: string): Promise<{ readonly invitation: InvitationRecord; readonly code: string }>;
  /** Those that are neither used nor expired, at most 1,000. */
  list(): Promise<readonly InvitationRecord[]>;
}

const CODE_BYTES = 18;
const MAX_CODE_LENGTH = 128;

/** Makes the service that invites. */
export function createInvitations({ store, clock, random, audit }: InvitationOptions): Invitations {
  return {
    async create(lifetimeMs, actor) {
      if (!isLifetime("invitation", Math.round(lifetimeMs))) {
        throw new CountersignError("invalid_request", { hint: "An invitation lives one minute to 90 days" });
      }
      const code = randomSecret(random, CODE_BYTES);
      const now = clock.now();
      const invitation: InvitationRecord = {
        invitationId: `invitation_${randomUuid(random)}`,
        createdAt: now,
        expiresAt: now + Math.round(lifetimeMs),
      };
      const draft = { value: invitation, owner: owners.invitations(), expiresAt: invitation.expiresAt };
      const created = { key: keys.invitation(code), expectedVersion: 0, draft };
      const fields = { invitationId: invitation.invitationId, actor };
      const { failed } = await audit.commit([created], [{ name: "invitation.created", fields }]);
      if (failed !== undefined) throw new CountersignError("conflict");
      return { invitation, code };
    },
    list: () => listMatching<InvitationRecord>(store, owners.invitations(), { limit: 1000 }),
  };
}

/**
 * The invitation of a code, which is good while its item has this version.
 *
 * @throws {CountersignError} `access_denied` when there is none.
 */
export async function readInvitation(store: Store, code: string): Promise<Item<InvitationRecord>> {
  const item = code.length <= MAX_CODE_LENGTH ? await store.get<InvitationRecord>(keys.invitation(code)) : undefined;
  if (item === undefined) throw refuse();
  return item;
}

function refuse(): CountersignError {
  return new CountersignError("access_denied", {
    hint: "The invitation is unknown, used or expired; ask for a new one",
  });
}
