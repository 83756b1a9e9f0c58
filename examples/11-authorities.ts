/**
 * Two authorities in memory, over mTLS: the one that issues, and that of the finance department, which signs payments off.
 * The examples from 12 on talk to them; what they need is written into a folder, and the variables that say where.
 *
 *   npm run example 11-authorities
 *   set -a; . .capability/env; set +a        # in another terminal, before the others
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { startAuthorities } from "./capability/authorities.ts";

const folder = resolve(process.env.FOLDER ?? ".capability");
await mkdir(folder, { recursive: true, mode: 0o700 });
const { variables } = await startAuthorities(folder);
const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
await writeFile(join(folder, "env"), `${lines.join("\n")}\n`);
console.log(`the authorities answer; the variables are in ${join(folder, "env")}`);
