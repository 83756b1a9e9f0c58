// Kills nodes of an authority under load, and looks for lost and doubled effects: npm run faults [-- KILLS [NODES [SEED]]]
// On PostgreSQL: the one that COUNTERSIGN_POSTGRES_URL names, or one of this process's own.
import { randomSecret, systemRandom } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
import { nodesUnderLoad } from "../packages/authority/test/nodes/nodes.ts";
import { postgresServer } from "../packages/authority/test/store/postgres-server.ts";

const [kills = "20", nodes = "3", seed = randomSecret(systemRandom, 6)] = process.argv.slice(2);
const server = await postgresServer();
if (server === undefined) throw new Error("There is no PostgreSQL here: install it, or give COUNTERSIGN_POSTGRES_URL");

const load = { nodes: Number(nodes), logins: 12, rotationsPerKill: 200, random: seededRandom(seed) };
const report = await nodesUnderLoad({ ...load, kills: Number(kills), location: server.location() });
const control = await nodesUnderLoad({ ...load, kills: 0, isStrict: true, location: server.location() });
await server.stop();

const { violations, ...figures } = report;
console.table({
  seed,
  ...figures,
  violations: violations.length,
  "violations of the control": control.violations.length,
});
for (const violation of violations) console.error(violation);
process.exitCode = violations.length === 0 && control.violations.length > 0 ? 0 : 1;
