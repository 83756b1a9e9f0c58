// What every runtime has, so that this package compiles without the types of one. The tests compile the same files against
// the real ones.
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}

interface AbortSignal {
  readonly aborted: boolean;
}

declare const AbortSignal: { timeout(ms: number): AbortSignal };

declare class URL {
  constructor(text: string);
  readonly protocol: string;
  readonly hostname: string;
  readonly href: string;
}
