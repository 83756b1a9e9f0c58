import type { Checklist } from "../appraisal/checklist.ts";
import { ensure } from "../errors.ts";
import type { Environment } from "./facts.ts";
import type { CompiledPolicy } from "./policy.ts";

/** Who signs with the key that comes with the samples of Intel's SDK: everybody. */
const SAMPLE_SIGNERS: readonly string[] = ["83d719e77deaca1470f6baf62a4d774303c899db69020f9c70ee1dfc08c7ce9e"];

function checkSigner({ facts }: Environment): true {
  const { mrSigner } = facts.values;
  const isSample = typeof mrSigner === "string" && SAMPLE_SIGNERS.includes(mrSigner);
  ensure(!isSample, "sample_signer", `Cannot trust the enclave: everybody has the key of its signer ${mrSigner}`);
  return true;
}

function checkDebug({ debug }: Environment, { allowDebug }: CompiledPolicy): true {
  ensure(
    !debug || allowDebug,
    "debug",
    "Cannot trust the environment: it is in debug mode, and its host reads its memory",
  );
  return true;
}

function checkAttributes({ weaknesses }: Environment, { attributes }: CompiledPolicy): true {
  const refused = weaknesses.filter((name) => !attributes.has(name));
  ensure(
    refused.length === 0,
    "attributes",
    `Cannot trust the environment: the policy does not accept ${refused.join(", ")}`,
  );
  return true;
}

function checkMeasurement({ facts }: Environment, policy: CompiledPolicy): true {
  const shown = ["mrEnclave", "mrTd", "measurement", "pcr0"].map((name) => facts.values[name]).find(Boolean);
  ensure(
    policy.allows(facts),
    "measurement",
    `Cannot trust what runs: the policy does not allow ${facts.kind} ${shown}`,
  );
  return true;
}

function checkPlatform({ platforms }: Environment, policy: CompiledPolicy): true {
  const allowed = policy.platforms;
  const isAllowed = allowed === undefined || platforms.some((id) => allowed.has(id.toLowerCase()));
  ensure(isAllowed, "platform", `Cannot trust the platform: ${platforms.join(", ")} is not on the allow-list`);
  return true;
}

function checkKind({ facts: { kind } }: Environment, { kinds }: CompiledPolicy): true {
  ensure(kinds.has(kind), "evidence_kind", `Cannot judge what runs: the policy has no rule for ${kind}`);
  return true;
}

/** Adds the checks of a policy that every kind of evidence has. */
export function checkEnvironment(
  checks: Checklist,
  environment: Promise<Environment | undefined>,
  policy: CompiledPolicy,
): void {
  const rows = [
    ["evidence_kind", checkKind],
    ["debug", checkDebug],
    ["sample_signer", checkSigner],
    ["attributes", checkAttributes],
    ["measurement", checkMeasurement],
    ["platform", checkPlatform],
  ] as const;
  for (const [name, check] of rows) checks.check(name, [environment], (known) => check(known, policy));
}
