export type { PlatformOptions } from "./platform.ts";
export type { SimulatedDomain, SimulatedEnclave } from "./reports.ts";
export { createSimulatedPlatform, type SimulatedPlatform } from "./simulated-platform.ts";
