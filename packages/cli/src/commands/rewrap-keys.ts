import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import {
  createAuditTrail,
  type KeyEncryptionKey,
  openKeyEncryptionKeyFile,
  replaceKeyEncryptionKeyFile,
  retentionOf,
  rewrapKeyRing,
  silentObserver,
} from "@countersign/authority";
import { defined } from "@countersign/protocol";
import type { Command } from "../command.ts";
import { type DataPaths, dataPaths, keyFromVariable, openDataDirectory, requireStore } from "../data-directory.ts";
import { loadSettings } from "../settings.ts";
import { flagSettings, placeOptions } from "../settings-flags.ts";
import type { World } from "../world.ts";

/** Works on the data directory, where the lock of the store keeps a server away meanwhile. */
export const rewrapKeys: Command = {
  name: "keys rewrap",
  summary: "Seal the signing keys under a new key-encryption key, while no server runs",
  options: placeOptions,
  examples: ["countersign keys rewrap --data ./data", "COUNTERSIGN_NEW_KEY=… countersign keys rewrap"],
  async run({ given, world, print }) {
    const { settings } = loadSettings({ ...flagSettings(given), env: world.env });
    const { clock, random } = world;
    const paths = dataPaths(settings);
    requireStore(settings);
    const newKey = keyFromVariable("COUNTERSIGN_NEW_KEY", world);
    const otherKey = newKey ?? (await leftOver(paths, world));
    const { store, keyEncryptionKey: from } = await openDataDirectory(settings, world, {
      ...defined({ otherKey }),
    });
    const audit = createAuditTrail({ store, clock, random, observer: silentObserver, ...retentionOf(settings) });
    try {
      const to = newKey ?? (from === otherKey ? from : await makeNext(paths, world));
      await rewrapKeyRing({ store, audit, from, to, actor: "keys rewrap" });
      const kept = await replaceKeyFile(paths, newKey === undefined, world);
      print.data({ key_encryption_key: to.id, kept }, () => [`sealed under key-encryption key ${to.id}`]);
      if (kept !== undefined) print.note(`the key before is kept for the backups made before: ${kept}`);
      if (newKey !== undefined) print.note("start the server with COUNTERSIGN_KEY set to the new key");
    } finally {
      await store.close();
    }
  },
};

/** The key of a rewrap that was interrupted, which may be in use already. */
async function leftOver({ nextKey }: DataPaths, { random }: World): Promise<KeyEncryptionKey | undefined> {
  return existsSync(nextKey) ? openKeyEncryptionKeyFile({ path: nextKey, random }) : undefined;
}

/** Anew, as one that was left over may not be durable. */
async function makeNext({ nextKey }: DataPaths, { random }: World): Promise<KeyEncryptionKey> {
  await rm(nextKey, { force: true });
  return openKeyEncryptionKeyFile({ path: nextKey, random });
}

/** Last, when the store opens with the new key alone. */
async function replaceKeyFile(
  { key, nextKey }: DataPaths,
  toFile: boolean,
  { env }: World,
): Promise<string | undefined> {
  if (toFile) return replaceKeyEncryptionKeyFile({ path: key, nextPath: nextKey });
  return env.COUNTERSIGN_KEY === undefined ? replaceKeyEncryptionKeyFile({ path: key }) : undefined;
}
