import { after, it } from "node:test";
import { openPostgresStore } from "../../src/store/postgres.ts";
import { postgresServer } from "./postgres-server.ts";
import { storeContract } from "./store-contract.ts";

const server = await postgresServer();
after(() => server?.stop());

if (server === undefined)
  it("PostgreSQL", { skip: "no PostgreSQL here: install it, or give COUNTERSIGN_POSTGRES_URL" });
else
  storeContract(
    "PostgreSQL",
    async (clock, context) => {
      const store = await openPostgresStore({ location: server.location(), clock });
      context.after(() => store.close());
      return store;
    },
    { effort: 0.4 },
  );
