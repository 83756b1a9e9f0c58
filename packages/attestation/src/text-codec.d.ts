// TextEncoder and TextDecoder, which every runtime has, so that this package compiles without the types of one. The
// tests compile the same files against the real ones.
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}
