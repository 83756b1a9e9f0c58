// The slice of node:crypto that node.ts uses, so that this package compiles without the types of Node. The tests
// compile the same file against the real ones.
declare module "node:crypto" {
  interface Jwk {
    readonly kty?: string;
    readonly crv?: string;
    readonly x?: string;
    readonly y?: string;
    readonly d?: string;
  }
  class KeyObject {
    export(options: { format: "jwk" }): Jwk;
    export(options: { format: "raw-private" | "raw-public" }): Uint8Array;
  }
  interface Encodings {
    readonly publicKeyEncoding: { readonly format: "jwk" };
    readonly privateKeyEncoding: { readonly format: "jwk" };
  }
  interface JwkPair {
    readonly publicKey: Jwk;
    readonly privateKey: Jwk;
  }
  type Callback<Result> = (error: Error | null, result: Result) => void;

  function createPublicKey(
    key:
      | { format: "jwk"; key: Jwk }
      | { format: "raw-public"; key: Uint8Array; asymmetricKeyType: "ec"; namedCurve: string },
  ): KeyObject;
  function createPrivateKey(
    key:
      | { format: "jwk"; key: Jwk }
      | { format: "der"; type: "pkcs8"; key: Uint8Array }
      | { format: "raw-private"; key: Uint8Array; asymmetricKeyType: "ed25519" },
  ): KeyObject;
  function verify(digest: string | null, data: Uint8Array, key: KeyObject, signature: Uint8Array): boolean;
  function verify(
    digest: string | null,
    data: Uint8Array,
    key: KeyObject,
    signature: Uint8Array,
    callback: Callback<boolean>,
  ): void;
  function sign(digest: string | null, data: Uint8Array, key: KeyObject): Uint8Array;
  function sign(digest: string | null, data: Uint8Array, key: KeyObject, callback: Callback<Uint8Array>): void;
  interface KeyPairObjects {
    readonly publicKey: KeyObject;
    readonly privateKey: KeyObject;
  }
  function generateKeyPairSync(type: "ed25519"): KeyPairObjects;
  function generateKeyPairSync(type: "ed25519", options: Encodings): JwkPair;
  function generateKeyPairSync(type: "ec", options: Encodings & { readonly namedCurve: string }): JwkPair;
  type PairCallback = (error: Error | null, publicKey: Jwk, privateKey: Jwk) => void;
  function generateKeyPair(type: "ed25519", options: Encodings, callback: PairCallback): void;
  function generateKeyPair(
    type: "ed25519",
    options: Record<string, never>,
    callback: (error: Error | null, publicKey: KeyObject, privateKey: KeyObject) => void,
  ): void;
  function generateKeyPair(
    type: "ec",
    options: Encodings & { readonly namedCurve: string },
    callback: PairCallback,
  ): void;
  function createECDH(curve: string): {
    setPrivateKey(key: Uint8Array): void;
    getPublicKey(): Uint8Array;
  };
}
