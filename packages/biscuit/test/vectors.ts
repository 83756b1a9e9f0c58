import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const repository = join(import.meta.dirname, "../../..");

/** Where the third-party vectors are kept; they are not part of the repository. */
const vectorsFolder = process.env.COUNTERSIGN_VECTORS ?? join(repository, "../shared/vectors");

const samplesFolder = join(vectorsFolder, "biscuit");

/** The reason to skip tests on the official samples, or `false` where they are at hand; CI must have them. */
export const withoutSamples: string | false =
  existsSync(join(samplesFolder, "samples.json")) || process.env.CI === "true"
    ? false
    : "the official Biscuit samples are not at hand: set COUNTERSIGN_VECTORS";

export interface SampleBlock {
  readonly symbols: readonly string[];
  readonly public_keys: readonly string[];
  readonly external_key: string | null;
  readonly code: string;
  readonly version: number;
}

export interface SampleWorld {
  readonly facts: readonly { readonly origin: readonly (number | null)[]; readonly facts: readonly string[] }[];
  readonly rules: readonly { readonly origin: number | null; readonly rules: readonly string[] }[];
  readonly checks: readonly { readonly origin: number | null; readonly checks: readonly string[] }[];
  readonly policies: readonly string[];
}

export interface SampleValidation {
  readonly world: SampleWorld | null;
  readonly result: unknown;
  readonly authorizer_code: string;
  readonly revocation_ids: readonly string[];
}

export interface Sample {
  readonly title: string;
  readonly filename: string;
  readonly token: readonly SampleBlock[];
  readonly validations: Readonly<Record<string, SampleValidation>>;
}

export interface Samples {
  readonly root_private_key: string;
  readonly root_public_key: string;
  readonly testcases: readonly Sample[];
}

/** The official samples. */
export function readSamples(): Samples {
  return JSON.parse(readFileSync(join(samplesFolder, "samples.json"), "utf8"));
}

/** The bytes of one sample token. */
export function readSample(filename: string): Uint8Array {
  return new Uint8Array(readFileSync(join(samplesFolder, filename)));
}
