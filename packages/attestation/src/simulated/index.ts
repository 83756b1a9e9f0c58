export { createSimulatedNitro, type SimulatedDocument, type SimulatedNitro } from "./nitro.ts";
export type { PlatformOptions } from "./platform.ts";
export type { SimulatedDomain, SimulatedEnclave } from "./reports.ts";
export { createSimulatedPlatform, type SimulatedPlatform } from "./simulated-platform.ts";
export { createSimulatedSnp, type SimulatedGuest, type SimulatedSnp, type SimulatedSnpOptions } from "./snp.ts";
