import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const repository = join(import.meta.dirname, "../../../..");

/** Where the third-party vectors are kept; they are not part of the repository. */
const vectorsFolder = process.env.COUNTERSIGN_VECTORS ?? join(repository, "../shared/vectors");

/** The reason to skip tests on genuine evidence, or `false` where it is at hand; CI must have it. */
export const withoutVectors: string | false =
  ["dcap", "seed-jwks"].every((name) => existsSync(join(vectorsFolder, name))) || process.env.CI === "true"
    ? false
    : "genuine quotes are not at hand: set COUNTERSIGN_VECTORS";

/** The bytes of a vector. */
export const readVector = (name: string): Uint8Array => new Uint8Array(readFileSync(join(vectorsFolder, name)));

/** The text of a vector. */
export const readVectorText = (name: string): string => readFileSync(join(vectorsFolder, name), "utf8");
