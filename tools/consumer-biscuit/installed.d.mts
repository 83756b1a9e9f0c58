export const hasSamples: boolean;
export function installPacked(): string;
