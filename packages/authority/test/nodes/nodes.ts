import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Random, systemClock } from "@countersign/protocol";
import { createAuthority } from "../../src/authority.ts";
import type { createClientService } from "../../src/clients/client-service.ts";
import { owners } from "../../src/store/keys.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { FamilyRecord } from "../../src/store/records.ts";
import type { Store } from "../../src/store/store.ts";
import { nodeOptions } from "./node-options.ts";

const child = fileURLToPath(new URL("./node-child.ts", import.meta.url));

/** How many nodes there are on which store, and what befalls them. */
export interface NodesOptions {
  readonly location: string;
  readonly nodes: number;
  /** How many logins refresh their tokens, each on and on. */
  readonly logins: number;
  /** How often a node is killed under load and started again. */
  readonly kills: number;
  /** How many rotations there are between two kills, and after the last. */
  readonly rotationsPerKill: number;
  readonly random: Random;
  /** The control: nodes that answer a token only once, and take every repetition for a theft. @default false */
  readonly isStrict?: boolean;
}

/** What a run has to show for itself. */
export interface NodesReport {
  readonly kills: number;
  /** Rotations that were acknowledged. */
  readonly rotations: number;
  /** Rotations asked of several nodes at once. */
  readonly races: number;
  /** Requests without an answer, each of which was sent again. */
  readonly unanswered: number;
  readonly replaysCaught: number;
  /** Broken promises in words; empty when all were kept. */
  readonly violations: readonly string[];
}

const PASSWORD = "correct horse battery";

/**
 * Refreshes the tokens of some logins at some nodes, every third rotation at all of them at once, and kills one node after the
 * other. Each login must go on to the end; its family must have rotated as often as was acknowledged; all answers to one token must
 * name one successor; and a token that was spent before must end its family.
 */
export async function nodesUnderLoad(options: NodesOptions): Promise<NodesReport> {
  const store = await openStore(options.location, { clock: systemClock });
  const authority = await createAuthority({ ...nodeOptions(), store });
  const { services } = authority;
  const scopes = ["offline_access"];
  const { userId } = await services.users.register(
    { username: "alice", password: PASSWORD, fullName: "A", scopes },
    "test",
  );
  const clientId = await publicClient(services.clients);
  const fleet = new Fleet(options);
  try {
    await fleet.start();
    const run = new Load(fleet, { clientId, random: options.random });
    await run.begin(options.logins);
    const running = run.refresh();
    for (let kill = 0; kill < options.kills; kill++) {
      await run.reaches((kill + 1) * options.rotationsPerKill);
      await fleet.restart(kill % options.nodes);
    }
    await run.reaches((options.kills + 1) * options.rotationsPerKill);
    run.stop();
    await running;
    const replaysCaught = await run.replay();
    const violations = [...run.violations, ...(await judge(store, userId, run))];
    const { rotations, races, unanswered } = run;
    return { kills: options.kills, rotations, races, unanswered, replaysCaught, violations };
  } finally {
    await fleet.end();
    await authority.close();
  }
}

async function publicClient(clients: ReturnType<typeof createClientService>): Promise<string> {
  const settings = { clientName: "app", grants: ["password", "refresh_token"], scopes: ["offline_access"] };
  const { client } = await clients.create(
    { ...settings, authMethod: "none", loopback: false, disabled: false, token: {} },
    "test",
  );
  return client.clientId;
}

/** Compares what the families have become with what was acknowledged. */
async function judge(store: Store, userId: string, run: Load): Promise<readonly string[]> {
  const families = await store.list<FamilyRecord>(owners.familiesOf(userId), { limit: 1000 });
  const generations = families.map(({ value }) => value.generation).sort((a, b) => a - b);
  const acknowledged = run.chains.map(({ rotations }) => rotations).sort((a, b) => a - b);
  const isAlike = JSON.stringify(generations) === JSON.stringify(acknowledged);
  return isAlike ? [] : [`families rotated ${generations}, and were acknowledged to have ${acknowledged}`];
}

/** Nodes, each a process. */
class Fleet {
  readonly #options: NodesOptions;
  readonly #nodes: { child: ChildProcess; port: number }[] = [];

  constructor(options: NodesOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const nodes = await Promise.all(Array.from({ length: this.#options.nodes }, () => this.#launch()));
    this.#nodes.push(...nodes);
  }

  /** Kills a node without a word, and starts another in its place. */
  async restart(place: number): Promise<void> {
    const node = this.#nodes[place];
    if (node === undefined) return;
    node.child.kill("SIGKILL");
    this.#nodes[place] = await this.#launch();
  }

  urls(): readonly string[] {
    return this.#nodes.map(({ port }) => `http://localhost:${port}/oauth/token`);
  }

  async end(): Promise<void> {
    for (const { child: node } of this.#nodes) node.kill("SIGKILL");
  }

  async #launch(): Promise<{ child: ChildProcess; port: number }> {
    const strict = this.#options.isStrict ? ["0"] : [];
    const words = ["-C", "@countersign/source", child, this.#options.location, ...strict];
    const node = spawn(process.execPath, words, {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, NODE_NO_WARNINGS: "1" },
    });
    const [line] = await Promise.race([
      once(node.stdout, "data"),
      once(node, "exit").then(([code]) => Promise.reject(new Error(`A node ended at once: ${code}`))),
    ]);
    return { child: node, port: Number(String(line)) };
  }
}

interface Chain {
  token: string;
  before: string | undefined;
  rotations: number;
}

type Answer = { readonly status: number; readonly token: string | undefined };

/** Some logins that refresh their tokens, one after the other each. */
class Load {
  readonly chains: Chain[] = [];
  readonly violations: string[] = [];
  rotations = 0;
  races = 0;
  unanswered = 0;
  readonly #fleet: Fleet;
  readonly #clientId: string;
  readonly #random: Random;
  #isStopped = false;

  constructor(fleet: Fleet, { clientId, random }: { readonly clientId: string; readonly random: Random }) {
    this.#fleet = fleet;
    this.#clientId = clientId;
    this.#random = random;
  }

  async begin(logins: number): Promise<void> {
    const fields = { grant_type: "password", username: "alice", password: PASSWORD, scope: "offline_access" };
    for (let login = 0; login < logins; login++) {
      const { status, token } = await this.#send(this.#anyUrl(), fields);
      if (token === undefined) throw new Error(`Cannot log in: ${status}`);
      this.chains.push({ token, before: undefined, rotations: 0 });
    }
  }

  async refresh(): Promise<void> {
    await Promise.all(this.chains.map((chain) => this.#follow(chain)));
  }

  stop(): void {
    this.#isStopped = true;
  }

  async reaches(rotations: number): Promise<void> {
    for (let attempt = 0; this.rotations < rotations && this.violations.length === 0; attempt++) {
      if (attempt > 6000) throw new Error(`Only ${this.rotations} rotations in a minute`);
      await systemClock.sleep(10);
    }
  }

  /** Presents tokens whose successors were used: each must be refused, and its family with it. */
  async replay(): Promise<number> {
    let caught = 0;
    for (const { before, token } of this.chains) {
      if (before === undefined) continue;
      const replayed = await this.#ask(this.#anyUrl(), before);
      const after = await this.#ask(this.#anyUrl(), token);
      if (replayed.status === 400 && after.status === 400) caught += 1;
      else this.violations.push(`a replay was answered ${replayed.status}, and its family goes on: ${after.status}`);
    }
    return caught;
  }

  async #follow(chain: Chain): Promise<void> {
    let spent: string | undefined;
    while (!this.#isStopped && this.violations.length === 0) {
      const isRace = this.#random.bytes(1)[0] ?? 0;
      const next = isRace % 3 === 0 ? await this.#race(chain.token) : await this.#insist(chain.token);
      if (next === undefined) return;
      chain.before = spent;
      spent = chain.token;
      chain.token = next;
      chain.rotations += 1;
      this.rotations += 1;
    }
  }

  /** All nodes at once: whoever answers names the same successor. */
  async #race(token: string): Promise<string | undefined> {
    this.races += 1;
    const answers = await Promise.all(this.#fleet.urls().map((url) => this.#ask(url, token).catch(() => undefined)));
    const successors = new Set(answers.flatMap((answer) => answer?.token ?? []));
    const refused = answers.filter((answer) => answer?.status === 400).length;
    if (refused > 0) this.violations.push(`a token that nobody had used was refused in a race: ${refused}`);
    if (successors.size > 1) this.violations.push(`one token had ${successors.size} successors`);
    const [successor] = successors;
    return successor ?? this.#insist(token);
  }

  /** As a client does that has no answer: the same again, at another node. */
  async #insist(token: string): Promise<string | undefined> {
    for (;;) {
      const answer = await this.#ask(this.#anyUrl(), token).catch(() => undefined);
      if (answer?.token !== undefined) return answer.token;
      if (answer !== undefined && answer.status !== 503) {
        this.violations.push(`a login was ended by ${answer.status}`);
        return undefined;
      }
      this.unanswered += 1;
      await systemClock.sleep(5);
    }
  }

  #ask(url: string, token: string): Promise<Answer> {
    return this.#send(url, { grant_type: "refresh_token", refresh_token: token });
  }

  async #send(url: string, fields: Readonly<Record<string, string>>): Promise<Answer> {
    const body = new URLSearchParams({ client_id: this.#clientId, ...fields });
    const response = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(15_000) });
    const answer: { readonly refresh_token?: string } = JSON.parse(await response.text());
    return { status: response.status, token: answer.refresh_token };
  }

  #anyUrl(): string {
    const urls = this.#fleet.urls();
    return urls[(this.#random.bytes(1)[0] ?? 0) % urls.length] ?? "";
  }
}
