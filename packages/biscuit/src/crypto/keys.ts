export { KeyPair } from "./key-pair.ts";
export { PrivateKey } from "./private-key.ts";
export { PublicKey } from "./public-key.ts";
