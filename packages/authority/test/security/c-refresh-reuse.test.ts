import assert from "node:assert/strict";
import type { Authority } from "../../src/authority.ts";
import { keys } from "../../src/store/keys.ts";
import type { FamilyRecord } from "../../src/store/records.ts";
import { readResponse, TEST_ISSUER, type TestResponse } from "../../src/testing.ts";
import { anotherNode } from "./another-node.ts";
import { invalidGrant, refreshOf } from "./logins.ts";
import { issuedTokens, type Scene, type SecurityRow, securityTable } from "./table.ts";

/** The family as it is, and how to put it back so. */
async function restorable({ authority: { services } }: Scene, refresh: string): Promise<() => Promise<void>> {
  const key = keys.family(refresh.slice(4, 26));
  const before = await services.store.get<FamilyRecord>(key);
  assert.ok(before);
  const { owner = "", expiresAt = 0, value } = before;
  return async () => {
    const now = await services.store.get<FamilyRecord>(key);
    assert.ok(await services.store.swap(key, now?.version ?? 0, { value, owner, expiresAt }));
  };
}

/** Makes a family look as if it had been refreshed so many times more. */
async function growOld({ authority: { services } }: Scene, refresh: string, times: number): Promise<void> {
  const item = await services.store.get<FamilyRecord>(keys.family(refresh.slice(4, 26)));
  assert.ok(item);
  const { owner = "", expiresAt = 0, value } = item;
  const older = { ...value, generation: value.generation + times };
  assert.ok(await services.store.swap(item.key, item.version, { value: older, owner, expiresAt }));
}

async function refreshAt({ fetch }: Pick<Authority, "fetch">, { app }: Scene, token: string): Promise<TestResponse> {
  const body = new URLSearchParams({ grant_type: "refresh_token", client_id: app.id, refresh_token: token });
  return readResponse(await fetch(new Request(`${TEST_ISSUER}/oauth/token`, { method: "POST", body })));
}

const rows: readonly SecurityRow[] = [
  {
    id: "C9",
    name: "reuse outside the window kills the family",
    async build(scene) {
      const { refresh } = await scene.login();
      const next = await scene.refresh(refresh);
      await scene.authority.clock.advance(10_000);
      const answer = await scene.refresh(refresh);
      assert.equal((await scene.refresh(refreshOf(next))).body.error, "invalid_grant");
      return answer;
    },
    expect: invalidGrant,
    also: (_answer, scene) => assert.ok(scene.authority.events.some((event) => event.name === "family.reused")),
  },
  {
    id: "C9",
    name: "a spent token many generations back kills the family",
    async build(scene) {
      const { refresh } = await scene.login();
      let current = refresh;
      for (let generation = 0; generation < 20; generation++) current = refreshOf(await scene.refresh(current));
      const answer = await scene.refresh(refresh);
      assert.equal((await scene.refresh(current)).body.error, "invalid_grant");
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C9",
    name: "a spent token kills the family however far back it is",
    async build(scene) {
      const { refresh } = await scene.login();
      const current = refreshOf(await scene.refresh(refreshOf(await scene.refresh(refresh))));
      await growOld(scene, current, 100_000);
      const answer = await scene.refresh(refresh);
      assert.equal((await scene.refresh(current)).body.error, "invalid_grant");
      return answer;
    },
    expect: invalidGrant,
    also: (_answer, scene) => assert.ok(scene.authority.events.some((event) => event.name === "family.reused")),
  },
  {
    id: "C9",
    name: "a token given after the backup that was restored is refused, and is no theft",
    async build(scene) {
      const { refresh } = await scene.login();
      const restore = await restorable(scene, refresh);
      const later = refreshOf(await scene.refresh(refresh));
      await restore();
      const answer = await scene.refresh(later);
      assert.equal((await scene.refresh(refresh)).status, 200);
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C9",
    name: "a forged token of an old family costs no more than one of a young family, and ends nothing",
    async build(scene) {
      const { refresh } = await scene.login();
      await growOld(scene, refresh, 4000);
      const { keys } = scene.authority.services;
      const derive = keys.derive.bind(keys);
      let derivations = 0;
      Object.assign(keys, {
        derive: (...input: Parameters<typeof derive>) => {
          derivations += 1;
          return derive(...input);
        },
      });
      const answer = await scene.refresh(refresh.replace(/[^.]{43}/, "A".repeat(43)));
      assert.ok(derivations <= 1, `${derivations} derivations`);
      assert.equal((await scene.refresh(refresh)).status, 200);
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C9",
    name: "reuse is theft also when the clock was put back after the rotation",
    async build(scene) {
      const { clock, services } = scene.authority;
      const { refresh } = await scene.login();
      clock.jump(3_600_000);
      await services.keys.reload();
      const next = await scene.refresh(refresh);
      clock.jump(-3_600_000);
      await services.keys.reload();
      await clock.advance(600_000);
      const answer = await scene.refresh(refresh);
      assert.equal((await scene.refresh(refreshOf(next))).body.error, "invalid_grant");
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C10",
    name: "a retry inside the window gets the same successor",
    async build(scene) {
      const { refresh } = await scene.login();
      const first = await scene.refresh(refresh);
      await scene.authority.clock.advance(9_999);
      const retried = await scene.refresh(refresh);
      assert.equal(refreshOf(retried), refreshOf(first));
      assert.equal((await scene.authority.services.users.families(scene.alice.userId)).length, 1);
      return scene.refresh(refreshOf(retried));
    },
    expect: { status: 200 },
  },
  {
    id: "C11",
    name: "a replay after the successor was used is theft",
    async build(scene) {
      const { refresh } = await scene.login();
      const second = refreshOf(await scene.refresh(refresh));
      const third = refreshOf(await scene.refresh(second));
      const answer = await scene.refresh(refresh);
      assert.equal((await scene.refresh(third)).body.error, "invalid_grant");
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C12",
    name: "200 parallel refreshes leave one lineage and nobody logged out",
    async build(scene) {
      const { refresh } = await scene.login();
      const before = issuedTokens(scene);
      const answers = await Promise.all(Array.from({ length: 200 }, () => scene.refresh(refresh)));
      assert.equal(
        issuedTokens(scene) - before,
        answers.length,
        "the trail counts the tokens that were given, no others",
      );
      const successors = new Set(answers.filter((answer) => answer.status === 200).map(refreshOf));
      assert.equal(successors.size, 1);
      assert.ok(
        answers.every((answer) => answer.status === 200),
        "everybody keeps a session",
      );
      assert.equal((await scene.authority.services.users.families(scene.alice.userId)).length, 1);
      return scene.refresh([...successors][0] ?? "");
    },
    expect: { status: 200 },
  },
  {
    id: "C12",
    name: "200 parallel refreshes on four nodes leave one lineage",
    async build(scene) {
      const { refresh } = await scene.login();
      const others = await Promise.all([11, 12, 13].map((seed) => anotherNode(scene.authority, seed)));
      const nodes = [scene.authority, ...others];
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, n) => refreshAt(nodes[n % 4] ?? scene.authority, scene, refresh)),
      );
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      const [successor, ...different] = new Set(answers.map(refreshOf));
      assert.deepEqual(different, []);
      for (const node of others) await node.services.keys.close();
      return scene.refresh(successor ?? "");
    },
    expect: { status: 200 },
  },
  {
    id: "C14",
    name: "the idle lifetime ends a family",
    config: { tokens: { refresh_idle_ttl: 3600 } },
    async build(scene) {
      const { refresh } = await scene.login();
      await scene.authority.clock.advance(3_600_000);
      return scene.refresh(refresh);
    },
    expect: invalidGrant,
  },
  {
    id: "C14",
    name: "the absolute lifetime ends a family that is refreshed all the time",
    config: { tokens: { refresh_idle_ttl: 3600, refresh_absolute_ttl: 7200 } },
    async build(scene) {
      let { refresh } = await scene.login();
      for (let half = 0; half < 3; half++) {
        await scene.authority.clock.advance(1_800_000);
        refresh = refreshOf(await scene.refresh(refresh));
      }
      await scene.authority.clock.advance(1_800_000);
      return scene.refresh(refresh);
    },
    expect: invalidGrant,
  },
  {
    id: "C15",
    name: "the store holds no refresh token, and what it holds cannot be replayed",
    async build(scene) {
      const { refresh } = await scene.login();
      const [family] = await scene.authority.services.users.families(scene.alice.userId);
      const dump = JSON.stringify(family);
      const [, , secret = refresh, mark] = refresh.split(".");
      assert.ok(!dump.includes(secret));
      const forged = `csr_${family?.value.familyId}.0.${family?.value.currentHash}.${mark}`;
      return scene.refresh(forged);
    },
    expect: invalidGrant,
  },
];

securityTable("Section C: refresh tokens that are spent", rows);
