import { compilePolicy, type Policy, PolicyError, readPolicy } from "@countersign/authority";
import { type Api, openApi } from "./api.ts";
import { Refusal, strangerAt } from "./call.ts";
import type { Run } from "./command.ts";
import { CliFailure } from "./failure.ts";
import type { JsonObject } from "./json-members.ts";
import { type LoadedPolicy, loadPolicy } from "./policy-files.ts";

/** Where the policy is in the management API. */
export const POLICY_PATH = "/api/v1/policy";

/** The policy of a running authority. */
export interface RemotePolicy {
  readonly policy: Policy;
  /** 0 for one of the authority's configuration. */
  readonly revision: number;
  readonly response: JsonObject;
}

/** The policy that counts at a running authority; `undefined` where there is none. */
export async function remotePolicy(api: Api): Promise<RemotePolicy | undefined> {
  const response = await api.get(POLICY_PATH).catch((error: unknown) => {
    if (error instanceof Refusal && error.code === "not_found") return undefined;
    throw error;
  });
  if (response === undefined) return undefined;
  const { document, revision } = response;
  if (typeof document !== "object" || document === null) throw strangerAt(api.url);
  return { policy: compiled(document), revision: Number(revision), response };
}

function compiled(document: object): Policy {
  try {
    return compilePolicy(readPolicy(document));
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new CliFailure(`the authority's policy is of another version: ${error.message}`, {
      hints: ["use the countersign that the authority runs"],
    });
  }
}

/** What is so without a policy. */
export function noPolicy(): Policy {
  return compilePolicy(readPolicy({ format: "countersign-policy/1", version: 1 }));
}

/**
 * The policy of a file, or of the running authority where no file is named.
 *
 * @throws {CliFailure} where there is none.
 */
export async function policyFrom(run: Run, file: string | undefined): Promise<LoadedPolicy> {
  if (file !== undefined) return loadPolicy(file);
  const api = await openApi(run);
  const remote = await remotePolicy(api);
  if (remote === undefined) throw noneThere(api);
  return { policy: remote.policy, placeIn: () => api.url };
}

/** There is no policy at an authority. */
export function noneThere({ url }: Pick<Api, "url">): CliFailure {
  return new CliFailure(`there is no policy at ${url}`, { hints: ["countersign policy set FILE sets one"] });
}
