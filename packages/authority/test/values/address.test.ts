import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AddressBlocks, addressBlocks, isLoopbackAddress } from "../../src/values/address.ts";

const of = (narrow: string, wide?: string): AddressBlocks => ({
  narrow,
  ...(wide === undefined ? {} : { wide }),
  isLoopback: narrow === "loopback",
});

const rows: readonly { readonly address: string | undefined; readonly blocks: AddressBlocks }[] = [
  { address: "192.0.2.7", blocks: of("192.0.2.7") },
  { address: "::ffff:192.0.2.7", blocks: of("192.0.2.7") },
  { address: "::ffff:c000:207", blocks: of("192.0.2.7") },
  { address: "0:0:0:0:0:FFFF:192.0.2.7", blocks: of("192.0.2.7") },
  { address: "2001:db8:1:2:3:4:5:6", blocks: of("2001:db8:1:2::/64", "2001:db8:1::/48") },
  { address: "2001:0db8:0001:0002::", blocks: of("2001:db8:1:2::/64", "2001:db8:1::/48") },
  { address: "2001:DB8:1:2::192.0.2.7", blocks: of("2001:db8:1:2::/64", "2001:db8:1::/48") },
  { address: "2001:db8::1", blocks: of("2001:db8:0:0::/64", "2001:db8:0::/48") },
  { address: "fe80::1%eth0", blocks: of("fe80:0:0:0::/64", "fe80:0:0::/48") },
  { address: "1:2:3:4:5:6:7::", blocks: of("1:2:3:4::/64", "1:2:3::/48") },
  // 6to4 (RFC 3056): the holder of one IPv4 address has a /48.
  { address: "2002:c000:207:1::1", blocks: of("2002:c000:207:1::/64", "2002:c000:207::/48") },
  { address: "127.0.0.1", blocks: of("loopback") },
  { address: "127.9.8.7", blocks: of("loopback") },
  { address: "::1", blocks: of("loopback") },
  { address: "::ffff:127.0.0.1", blocks: of("loopback") },
  { address: "::", blocks: of("0:0:0:0::/64", "0:0:0::/48") },
  { address: "::2", blocks: of("0:0:0:0::/64", "0:0:0::/48") },
  { address: "/run/countersign.sock", blocks: of("/run/countersign.sock") },
  { address: undefined, blocks: of("unknown") },
];

describe("addressBlocks", () => {
  for (const { address, blocks } of rows) {
    it(`E4 counts ${address} as ${blocks.narrow} in ${blocks.wide ?? "nothing wider"}`, () => {
      assert.deepEqual(addressBlocks(address), blocks);
    });
  }
});

describe("isLoopbackAddress", () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ["127.0.0.1", true],
    ["127.255.255.255", true],
    ["128.0.0.1", false],
    ["127.1", false],
    ["::1", true],
    ["0:0:0:0:0:0:0:1", true],
    ["::1%lo", true],
    ["::2", false],
    ["::ffff:127.0.0.1", true],
    ["::ffff:7f00:1", true],
    ["::ffff:192.0.2.1", false],
    ["localhost", false],
    ["", false],
  ];
  for (const [text, expected] of cases) {
    it(`${text || "(empty)"}: ${expected}`, () => assert.equal(isLoopbackAddress(text), expected));
  }
});
