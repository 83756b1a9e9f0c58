// Shows tokens to programs that others wrote: npm run interop [-- vault | pyjwt | recipes | hessra | hessra-crates]. The first
// needs Go, the second and the fourth Python 3, the third both, and Java with Maven; the last Rust, and only when asked for.
import { tryHessraPy } from "./hessra.ts";
import { tryHessraCrates } from "./hessra-crates.ts";
import { tryPyJwt } from "./pyjwt.ts";
import { tryRecipes } from "./recipes.ts";
import { tryVault } from "./vault.ts";

/** What takes long is tried only when it is asked for. */
const ASKED_FOR: ReadonlySet<string> = new Set(["hessra-crates"]);

const programs = {
  vault: tryVault,
  pyjwt: tryPyJwt,
  recipes: tryRecipes,
  hessra: tryHessraPy,
  "hessra-crates": tryHessraCrates,
};

let failures = 0;
for (const [name, tryProgram] of Object.entries(programs)) {
  const wanted = process.argv.slice(2);
  const isMeant = wanted.length === 0 ? !ASKED_FOR.has(name) : wanted.includes(name);
  if (isMeant) failures += await tryProgram();
}
process.exitCode = failures === 0 ? 0 : 1;
