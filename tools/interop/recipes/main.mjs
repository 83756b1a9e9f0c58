// Verifies one token a line with the function of the page, and prints what came of it.
import { createInterface } from "node:readline";
import { verify } from "./verify.mjs";

for await (const token of createInterface(process.stdin)) {
  const verdict = await verify(token).then(
    ({ sub }) => `accepted: sub ${sub}`,
    (error) => `refused: ${error.code}`,
  );
  console.log(verdict);
}
