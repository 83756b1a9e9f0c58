export { type ConfigfsTsmOptions, configfsTsmSource } from "./configfs-tsm.ts";
export { type DstackOptions, dstackSource, type SocketAnswer } from "./dstack.ts";
export { type GramineOptions, gramineSource } from "./gramine.ts";
export { type SimulatedSourceOptions, simulatedSource } from "./simulated.ts";
export { type EvidenceSource, type FileTree, noEvidence } from "./source.ts";
