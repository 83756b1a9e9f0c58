import type { Around, StoreCall } from "./around-store.ts";

/** Somebody who works on a store; each of its calls is one step. */
export interface Actor {
  readonly run: (around: Around) => Promise<unknown>;
  /** The actor crashes before the call after this many: it never goes on, and its promise never settles. */
  readonly crashAfter?: number;
}

/** What happens in one world, made anew for every schedule. */
export interface Scenario {
  readonly actors: readonly Actor[];
  /** Asserted after every step. */
  readonly always: () => Promise<void>;
  /** Asserted when nobody can take another step; `outcomes` are in the order of the actors. */
  readonly finally: (outcomes: readonly Outcome[]) => Promise<void>;
}

/** How an actor ended. */
export type Outcome =
  | { readonly ended: "value"; readonly value: unknown }
  | { readonly ended: "error"; readonly error: unknown }
  | { readonly ended: "crash" };

/** A call on this key changes what every other call meets: time passes. */
export const everything = "*";

/** A point where one of several actors takes the next step. */
interface Fork {
  /** The actors that can, with the call each stands before. */
  readonly ready: ReadonlyMap<number, StoreCall>;
  /** Those whose turn here would repeat what another schedule has shown. */
  readonly asleep: Set<number>;
  choice: number;
}

/**
 * Runs a scenario under every schedule of its actors' steps, depth first, and resolves to how many it ran. Schedules
 * that differ only in the order of steps that do not touch each other are run once (sleep sets: P. Godefroid,
 * "Partial-Order Methods for the Verification of Concurrent Systems", chapter 5). All orders of writes are run, so
 * `always` meets every state of the store that can occur.
 */
export async function explore(build: () => Promise<Scenario>): Promise<number> {
  const forks: Fork[] = [];
  for (let runs = 1; ; runs++) {
    await runSchedule(await build(), forks);
    while (forks.length > 0 && !turn(forks.at(-1))) forks.pop();
    if (forks.length === 0) return runs;
  }
}

/** Follows the forks, then makes new ones. Ends early where all who can step are asleep. */
async function runSchedule(scenario: Scenario, forks: Fork[]): Promise<void> {
  const players = scenario.actors.map((actor) => new Player(actor));
  for (const player of players) await player.quiet();
  for (let depth = 0; ; depth++) {
    const ready = new Map(players.flatMap(({ next }, index) => (next === undefined ? [] : [[index, next]])));
    if (ready.size === 0) return scenario.finally(players.map((player) => player.outcome));
    const fork = forks[depth] ?? { ready, asleep: stillAsleep(forks[depth - 1]), choice: -1 };
    if (fork.choice < 0 && !turn(fork)) return;
    forks[depth] = fork;
    await players[fork.choice]?.step();
    await scenario.always();
  }
}

/** Gives the turn to the next actor that is awake; whether there is one. */
function turn(fork: Fork | undefined): boolean {
  if (fork === undefined) return false;
  if (fork.choice >= 0) fork.asleep.add(fork.choice);
  const next = [...fork.ready.keys()].find((actor) => !fork.asleep.has(actor));
  fork.choice = next ?? -1;
  return next !== undefined;
}

function stillAsleep(before: Fork | undefined): Set<number> {
  const taken = before?.ready.get(before.choice);
  return new Set(
    [...(before?.asleep ?? [])].filter((actor) => {
      const call = before?.ready.get(actor);
      return taken !== undefined && call !== undefined && areIndependent(taken, call);
    }),
  );
}

function areIndependent(a: StoreCall, b: StoreCall): boolean {
  if (a.key === everything || b.key === everything) return false;
  const isRead = a.verb === "get" && b.verb === "get";
  const isWrite = a.verb !== "get" && b.verb !== "get";
  return isRead || (!isWrite && !keysOf(a).some((key) => keysOf(b).includes(key)));
}

function keysOf({ key, keys = [key] }: StoreCall): readonly string[] {
  return keys;
}

class Player {
  outcome: Outcome = { ended: "crash" };
  /** The call the actor stands before. */
  next: StoreCall | undefined;
  #resume: (() => void) | undefined;
  #quiet = Promise.withResolvers<void>();
  #calls = 0;
  readonly #crashAfter: number;

  constructor({ run, crashAfter = Number.POSITIVE_INFINITY }: Actor) {
    this.#crashAfter = crashAfter;
    run((call, perform) => this.#wait(call, perform)).then(
      (value) => this.#end({ ended: "value", value }),
      (error: unknown) => this.#end({ ended: "error", error }),
    );
  }

  /** Resolves when the actor stands before a call, has ended or has crashed. */
  quiet(): Promise<void> {
    return this.#quiet.promise;
  }

  step(): Promise<void> {
    this.next = undefined;
    this.#quiet = Promise.withResolvers();
    this.#resume?.();
    return this.quiet();
  }

  async #wait<T>(call: StoreCall, perform: () => Promise<T>): Promise<T> {
    const turn = Promise.withResolvers<void>();
    if (this.#calls++ < this.#crashAfter) {
      this.next = call;
      this.#resume = turn.resolve;
    }
    this.#quiet.resolve();
    await turn.promise;
    return perform();
  }

  #end(outcome: Outcome): void {
    this.outcome = outcome;
    this.#quiet.resolve();
  }
}
