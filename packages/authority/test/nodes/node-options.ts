import { seededRandom } from "@countersign/protocol/testing";
import type { AuthorityOptions } from "../../src/authority.ts";
import { parseConfig } from "../../src/config.ts";
import { createKeyEncryptionKey } from "../../src/keys/key-encryption-key.ts";

/**
 * What every node is made with: the same issuer, and the one key-encryption key.
 *
 * @param replayWindow how many seconds a spent refresh token is answered with its successor
 */
export function nodeOptions(replayWindow?: number): Omit<AuthorityOptions, "store"> {
  const tokens = replayWindow === undefined ? {} : { replay_window: replayWindow };
  return {
    config: parseConfig({ issuer: "http://localhost:8080", keys: { algorithms: ["ES256"] }, tokens }),
    keyEncryptionKey: createKeyEncryptionKey(seededRandom("nodes").bytes(32)),
    signing: "inline",
  };
}
