import { copyStore, openStore, prepareStore } from "@countersign/authority";
import type { Command, Run } from "../command.ts";
import { isShared, locationOf, requireStore, type StorePlace } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import { loadSettings } from "../settings.ts";
import { flagSettings, placeOptions } from "../settings-flags.ts";

/** What is done with a store itself, without a server. */
export const storeCommands: readonly Command[] = [
  {
    name: "store create",
    summary: "Make the store that store.url names: its tables, or its file",
    options: placeOptions,
    examples: ["countersign store create --store 'dynamodb:countersign?region=eu-central-1'"],
    run: (run) => prepare(run, "made"),
  },
  {
    name: "store migrate",
    summary: "Bring the store to the version of this program",
    options: placeOptions,
    examples: ["countersign store migrate --store postgres://owner@db.example.com/auth"],
    run: (run) => prepare(run, "is of the version of this program"),
  },
  {
    name: "store check",
    summary: "See whether the store can be opened, read and written; exit code 3 where it cannot",
    options: placeOptions,
    examples: ["countersign store check --store postgres://auth@db.example.com/auth"],
    async run(run) {
      const place = placeOf(run);
      requireStore(place);
      const store = await openStore(locationOf(place), { clock: run.world.clock });
      try {
        const why = await store.failure?.();
        if (why !== undefined) throw new CliFailure(`the store cannot be used: ${why}`, { exitCode: 3 });
        run.print.done({ store: engineOf(place), ok: true }, `the store can be read and written: ${engineOf(place)}`);
      } finally {
        await store.close();
      }
    },
  },
  {
    name: "store copy",
    summary: "Copy every item to an empty store of any engine, while no server runs on either",
    positionals: [
      { name: "from", summary: "As store.url: sqlite:DIR, postgres://… or dynamodb:TABLE" },
      { name: "to", summary: "The same" },
    ],
    examples: ["countersign store copy sqlite:./data postgres://auth@db.example.com/auth"],
    run: copy,
  },
];

async function prepare(run: Run, verb: string): Promise<void> {
  const place = placeOf(run);
  await prepareStore(locationOf(place), { clock: run.world.clock });
  run.print.done({ store: engineOf(place) }, `the store ${verb}: ${engineOf(place)}`);
}

async function copy({ given, world, print }: Run): Promise<void> {
  const { clock } = world;
  const [from, to] = ["from", "to"].map((name): StorePlace => ({ data: ".", store: { url: given.required(name) } }));
  if (from === undefined || to === undefined) return;
  requireStore(from);
  const [source, target] = [locationOf(from), locationOf(to)];
  if (source === target) throw new CliFailure("a store cannot be copied to itself");
  await prepareStore(target, { clock });
  const stores = [await openStore(source, { clock })];
  try {
    stores.push(await openStore(target, { clock }));
    const [read, written] = stores;
    if (read === undefined || written === undefined) return;
    const items = await copyStore(read, written);
    print.done({ items }, `copied ${items} items from ${engineOf(from)} to ${engineOf(to)}`);
    print.note(
      "the key-encryption key is not in the store: give the new servers the same COUNTERSIGN_KEY, or the file kek",
    );
  } finally {
    for (const store of stores) await store.close();
  }
}

function placeOf({ given, world }: Run): StorePlace {
  return loadSettings({ ...flagSettings(given), env: world.env }).settings;
}

/** A URL may hold a password. */
function engineOf(place: StorePlace): string {
  return isShared(place) ? (place.store.url?.split(":", 1)[0] ?? "") : "sqlite";
}
