import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressBlock } from "../../src/limits/address-block.ts";

const blocks: readonly { readonly address: string; readonly block: string }[] = [
  { address: "192.0.2.7", block: "192.0.2.7" },
  { address: "::ffff:192.0.2.7", block: "192.0.2.7" },
  { address: "::ffff:c000:207", block: "192.0.2.7" },
  { address: "0:0:0:0:0:FFFF:192.0.2.7", block: "192.0.2.7" },
  { address: "2001:db8:1:2:3:4:5:6", block: "2001:db8:1:2::/64" },
  { address: "2001:0db8:0001:0002::", block: "2001:db8:1:2::/64" },
  { address: "2001:DB8:1:2::192.0.2.7", block: "2001:db8:1:2::/64" },
  { address: "2001:db8::1", block: "2001:db8:0:0::/64" },
  { address: "::1", block: "0:0:0:0::/64" },
  { address: "fe80::1%eth0", block: "fe80:0:0:0::/64" },
  { address: "1:2:3:4:5:6:7::", block: "1:2:3:4::/64" },
  { address: "/run/countersign.sock", block: "/run/countersign.sock" },
];

describe("addressBlock", () => {
  for (const { address, block } of blocks) {
    it(`E4 counts ${address} as ${block}`, () => assert.equal(addressBlock(address), block));
  }
});
