// One node of nodes.ts: an authority on a shared store. Prints the port that it listens at.
import { systemClock } from "@countersign/protocol";
import { createAuthority } from "../../src/authority.ts";
import { serveAuthority } from "../../src/node.ts";
import { openStore } from "../../src/store/open-store.ts";
import { nodeOptions } from "./node-options.ts";

const [location = "", replayWindow] = process.argv.slice(2);
const store = await openStore(location, { clock: systemClock });
const authority = await createAuthority({
  ...nodeOptions(replayWindow === undefined ? undefined : Number(replayWindow)),
  store,
});
const served = await serveAuthority(authority, { port: 0 });
process.stdout.write(`${new URL(served.url).port}\n`);
