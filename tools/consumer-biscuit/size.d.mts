export function bundleSize(names: string): Promise<{ readonly minified: number; readonly gzip: number }>;
