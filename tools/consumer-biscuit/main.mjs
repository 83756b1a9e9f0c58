import { run } from "./samples.mjs";

console.log(JSON.stringify(await run()));
