import { nodeFiles, unixSocketPost } from "@countersign/attestation/node";
import { createSimulatedPlatform } from "@countersign/attestation/simulated";
import {
  configfsTsmSource,
  dstackSource,
  type EvidenceSource,
  gramineSource,
  noEvidence,
  simulatedSource,
} from "@countersign/attestation/sources";
import type { Clock } from "@countersign/protocol";
import type { Config } from "../config.ts";

/** The environments that evidence comes from: one row each. */
const SOURCES: Readonly<
  Record<Config["evidence"]["source"], (clock: Clock) => EvidenceSource | Promise<EvidenceSource>>
> = {
  none: () => noEvidence,
  simulated: async (clock) => simulatedSource({ platform: await createSimulatedPlatform({ at: clock.now() }) }),
  gramine: () => gramineSource({ files: nodeFiles }),
  "configfs-tsm": (clock) => configfsTsmSource({ files: nodeFiles, sleep: (ms) => clock.sleep(ms) }),
  dstack: () => dstackSource({ post: unixSocketPost() }),
};

/** Opens the source of evidence that a configuration names. A simulated one has a root that is new at every start. */
export const openEvidenceSource = async (
  { evidence }: Pick<Config, "evidence">,
  clock: Clock,
): Promise<EvidenceSource> => SOURCES[evidence.source](clock);
