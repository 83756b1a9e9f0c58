import { createMemoryStore } from "../../src/store/memory.ts";
import { storeContract } from "./store-contract.ts";

storeContract("createMemoryStore", async (clock, context) => {
  const store = createMemoryStore({ clock });
  context.after(() => store.close());
  return store;
});
