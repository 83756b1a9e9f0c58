// Shows tokens to programs that others wrote: npm run interop [-- vault | pyjwt | recipes | hessra]. The first needs Go,
// the second and the last Python 3, the third both, and Java with Maven.
import { tryHessraPy } from "./hessra.ts";
import { tryPyJwt } from "./pyjwt.ts";
import { tryRecipes } from "./recipes.ts";
import { tryVault } from "./vault.ts";

const programs = { vault: tryVault, pyjwt: tryPyJwt, recipes: tryRecipes, hessra: tryHessraPy };

let failures = 0;
for (const [name, tryProgram] of Object.entries(programs)) {
  const wanted = process.argv.slice(2);
  if (wanted.length === 0 || wanted.includes(name)) failures += await tryProgram();
}
process.exitCode = failures === 0 ? 0 : 1;
