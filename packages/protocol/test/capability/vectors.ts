import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const repository = join(import.meta.dirname, "../../../..");

/** Where the third-party vectors are kept; they are not part of the repository. */
const folder = join(process.env.COUNTERSIGN_VECTORS ?? join(repository, "../shared/vectors"), "hessra");

/** The reason to skip tests on the vectors of Hessra, or `false` where they are at hand; CI must have them. */
export const withoutVectors: string | false =
  existsSync(join(folder, "minted.json")) || process.env.CI === "true"
    ? false
    : "the vectors of Hessra are not at hand: set COUNTERSIGN_VECTORS";

/** What one crate made of a call. */
export interface Verdict {
  readonly ok: boolean;
  readonly error?: string;
  readonly message?: string;
}

export interface Node {
  readonly component: string;
  readonly public_key: string;
}

/** A call of the crates, with the arguments of its function. */
export interface Call {
  readonly fn: string;
  readonly identity?: string;
  readonly duration?: number;
  readonly subject?: string;
  readonly resource?: string;
  readonly operation?: string;
  readonly domain?: string;
  readonly prefix?: string;
  readonly ensureSubjectInDomain?: boolean;
  readonly nodes?: readonly Node[];
  readonly component?: string;
  readonly designations?: readonly (readonly [string, string])[];
  readonly anchor?: string;
  readonly excludes?: readonly string[];
}

/** A block as the crates print it. */
export interface PrintedBlock {
  readonly source: string;
  readonly external_key: string | null;
  readonly version: number;
  readonly revocation_id: string;
}

export interface VectorResult {
  readonly head?: Verdict;
  readonly strict?: Verdict;
  readonly baseline?: Verdict;
  readonly v2?: Verdict;
  readonly labels?: readonly string[];
  readonly blocks?: readonly PrintedBlock[];
}

export interface Judgement {
  readonly call: Call;
  /** Seconds. */
  readonly now: number;
  readonly root: string;
  readonly result: VectorResult;
}

export interface VectorCase {
  readonly name: string;
  readonly kind: string;
  readonly producer: string;
  readonly root: string;
  readonly rootPublicKey: string;
  readonly token: string;
  readonly inspection?: {
    readonly subject: string;
    readonly identity: string;
    readonly delegated: boolean;
    readonly expiry: number;
    readonly domain: string | null;
    readonly blocks: number;
  };
  readonly verify: readonly Judgement[];
}

export interface Minted {
  readonly t0: number;
  readonly keys: Readonly<Record<string, { readonly public: string; readonly private: string }>>;
  readonly cases: readonly VectorCase[];
}

/** Tokens that the crates minted, and what they made of them. */
export function readMinted(): Minted {
  return JSON.parse(readFileSync(join(folder, "minted.json"), "utf8"));
}

export interface ServiceToken {
  readonly name: string;
  readonly token: string;
}

/** Tokens that the original service minted, and the key of that service. */
export function readServiceTokens(): { readonly tokens: readonly ServiceToken[]; readonly rootKey: string } {
  const { tokens } = JSON.parse(readFileSync(join(folder, "test_tokens.json"), "utf8"));
  return { tokens, rootKey: readFileSync(join(folder, "root_key.txt"), "utf8").trim() };
}
