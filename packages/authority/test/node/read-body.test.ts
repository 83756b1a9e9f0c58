import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type ReadBody, readBody } from "../../src/node/read-body.ts";

const limit = 65_536;

/** What is read of a body that comes in these chunks, and what memory it holds just before its end. */
async function readChunks(chunks: readonly string[]): Promise<{ readonly read: ReadBody; readonly heldBytes: number }> {
  const { promise: arrived, resolve: allHere } = Promise.withResolvers<void>();
  const { promise: read, resolve } = Promise.withResolvers<ReadBody>();
  const whole = chunks.join("").length;
  let length = 0;
  const server = createServer((incoming, outgoing) => {
    void readBody(incoming, limit).then((result) => {
      resolve(result);
      outgoing.end();
    });
    incoming.on("data", (piece: Buffer) => {
      length += piece.length;
      if (length === whole) allHere();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const text = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
  const before = heldMemory();
  socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${text}`);
  await arrived;
  const heldBytes = heldMemory() - before;
  socket.end("0\r\n\r\n");
  const result = await read;
  await new Promise((closed) => server.close(closed));
  return { read: result, heldBytes };
}

function heldMemory(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe("readBody", () => {
  it("holds a body that comes byte by byte in little more than its length", async () => {
    const { read, heldBytes } = await readChunks(Array.from({ length: 60_000 }, (_, at) => String(at % 10)));
    assert.ok(typeof read === "object");
    assert.equal(Buffer.from(read.bytes).toString(), "0123456789".repeat(6000));
    assert.ok(heldBytes < 4 * 1024 * 1024, `${heldBytes} bytes are held`);
  });

  for (const sizes of [[1], [3, 1], [1, 1, 1, 10, 500], [40_000, 25_536]]) {
    it(`joins pieces of ${sizes.join(", ")} bytes in their order`, async () => {
      const chunks = sizes.map((size, at) => String.fromCharCode(97 + at).repeat(size));
      const { read } = await readChunks(chunks);
      assert.ok(typeof read === "object");
      assert.equal(Buffer.from(read.bytes).toString(), chunks.join(""));
    });
  }
});
