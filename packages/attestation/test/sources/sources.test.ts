import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { MEDIA_TYPE, parseCollateral, parseQuote, parseSnpEndorsements, parseSnpReport } from "../../src/index.ts";
import { nodeFiles, unixSocketPost } from "../../src/node.ts";
import { createSimulatedPlatform, createSimulatedSnp } from "../../src/simulated/index.ts";
import {
  configfsTsmSource,
  dstackSource,
  type EvidenceSource,
  gramineSource,
  noEvidence,
  simulatedSource,
} from "../../src/sources/index.ts";
import { fakeConfigfsTsm, fakeGramine, type TsmOptions } from "../support/fake-tree.ts";
import { AT } from "../support/forge.ts";

const data = (value: number) => new Uint8Array(64).fill(value);
const platform = await createSimulatedPlatform({ at: AT });
const snp = await createSimulatedSnp({ at: AT });
const sgxQuote = (reportData: Uint8Array) => platform.sgxQuote(reportData);
const tdxQuote = (reportData: Uint8Array) => platform.tdxQuote(reportData);

const folder = mkdtempSync(join(tmpdir(), "evidence-"));
after(() => rmSync(folder, { recursive: true }));

const reportDataIn = async (source: EvidenceSource, wanted: Uint8Array) => {
  const bytes = (await source.collect(wanted))?.evidence.bytes ?? new Uint8Array();
  return parseQuote(bytes).report.reportData;
};

describe("gramineSource", () => {
  it("writes exactly 64 bytes once, and gives the quote for them", async () => {
    const { files, writes } = fakeGramine(sgxQuote);
    assert.deepEqual(await reportDataIn(gramineSource({ files }), data(1)), data(1));
    assert.deepEqual(writes, [64]);
  });

  it("lets requests wait for each other, so that each gets its own", async () => {
    const source = gramineSource({ files: fakeGramine(sgxQuote).files });
    const found = await Promise.all([1, 2, 3, 4, 5].map((value) => reportDataIn(source, data(value))));
    assert.deepEqual(found, [1, 2, 3, 4, 5].map(data));
  });

  it("refuses a quote for what somebody else wrote meanwhile", async () => {
    const fake = fakeGramine((reportData) => sgxQuote(reportData.fill(9)));
    await assert.rejects(gramineSource({ files: fake.files }).collect(data(1)), { code: "stale_evidence" });
  });

  it("says what is missing where attestation is off, fails, or there is no Gramine", async () => {
    const off = fakeGramine(sgxQuote, { type: "none" });
    await assert.rejects(gramineSource({ files: off.files }).collect(data(1)), /type is none, not dcap/);
    const failing = fakeGramine(sgxQuote, { refuse: true });
    await assert.rejects(gramineSource({ files: failing.files }).collect(data(1)), /EACCES.*AESM/);
    const absent = gramineSource({ files: nodeFiles, path: join(folder, "absent") });
    await assert.rejects(absent.collect(data(1)), { code: "source", message: /ENOENT.*no Gramine enclave/ });
  });

  it("goes on after a failure", async () => {
    const fake = fakeGramine(sgxQuote, { refuse: true });
    const source = gramineSource({ files: fake.files });
    await assert.rejects(source.collect(data(1)));
    await assert.rejects(source.collect(data(2)), /EACCES/);
  });

  it("reads a real directory whose quote is made when it is opened", {
    skip: process.platform === "win32",
  }, async () => {
    const path = join(folder, "attestation");
    execFileSync("mkdir", [path]);
    writeFileSync(join(path, "attestation_type"), "dcap");
    writeFileSync(join(path, "user_report_data"), new Uint8Array(64));
    execFileSync("mkfifo", [join(path, "quote")]);
    const serve = async () => {
      // Opens when the reader does, as Gramine makes the quote when the file is opened.
      const pipe = await open(join(path, "quote"), "w");
      await pipe.writeFile(await sgxQuote(new Uint8Array(await readFile(join(path, "user_report_data")))));
      await pipe.close();
    };
    const served = serve();
    try {
      assert.deepEqual(await reportDataIn(gramineSource({ files: nodeFiles, path }), data(5)), data(5));
    } finally {
      // Unblocks the other side, if nobody has read.
      closeSync(openSync(join(path, "quote"), constants.O_RDONLY | constants.O_NONBLOCK));
      await served;
    }
  });
});

describe("configfsTsmSource", () => {
  const sourceOf = (options: TsmOptions, privilegeLevel?: number) => {
    const fake = fakeConfigfsTsm(options);
    const sleeps: number[] = [];
    const sleep = async (ms: number) => void sleeps.push(ms);
    return { ...fake, sleeps, source: configfsTsmSource({ files: fake.files, sleep, privilegeLevel }) };
  };

  it("gives the quote of a TDX guest, and leaves no entry behind", async () => {
    const { source, entries } = sourceOf({ provider: "tdx_guest", report: tdxQuote });
    assert.deepEqual(await reportDataIn(source, data(1)), data(1));
    assert.equal(entries.size, 0);
  });

  it("serves requests side by side, each by its own entry", async () => {
    const { source } = sourceOf({ provider: "tdx_guest", report: tdxQuote });
    const found = await Promise.all([1, 2, 3].map((value) => reportDataIn(source, data(value))));
    assert.deepEqual(found, [1, 2, 3].map(data));
  });

  it("gives the report of an SEV-SNP guest with the certificates of the host", async () => {
    const table = (guids: readonly [string, Uint8Array][]) => {
      const head = Buffer.alloc(24 * (guids.length + 1));
      let offset = head.length;
      for (const [at, [guid, bytes]] of guids.entries()) {
        head.write(guid, at * 24, "hex");
        head.writeUInt32LE(offset, at * 24 + 16);
        head.writeUInt32LE(bytes.length, at * 24 + 20);
        offset += bytes.length;
      }
      return Buffer.concat([head, ...guids.map(([, bytes]) => bytes)]);
    };
    const { leaf, intermediate, root } = snp.endorsements;
    const auxblob = table([
      ["63da758de6644564adc5f4b93be8accd", leaf],
      ["4ab7b379bbac4fe4a02f05aef327c782", intermediate],
      ["c0b406a4a803495297433fb6014cd0ae", root],
    ]);
    const { source } = sourceOf({ provider: "sev_guest", report: snp.report, auxblob }, 1);
    const found = await source.collect(data(4));
    assert.deepEqual(parseSnpReport(found?.evidence.bytes ?? new Uint8Array()).reportData, data(4));
    const endorsements = parseSnpEndorsements(new TextDecoder().decode(found?.endorsements?.bytes));
    assert.deepEqual(new Uint8Array(endorsements.leaf), new Uint8Array(leaf));
  });

  it("gives the report without certificates where the host gave none", async () => {
    const { source } = sourceOf({ provider: "sev_guest", report: snp.report });
    const found = await source.collect(data(4));
    assert.equal(found?.evidence.mediaType, MEDIA_TYPE.snpReport);
    assert.equal(found?.endorsements, undefined);
  });

  it("asks a busy interface again, and gives up in the end", async () => {
    const busy = sourceOf({ provider: "tdx_guest", report: tdxQuote, failures: ["EBUSY", "EINTR"] });
    assert.deepEqual(await reportDataIn(busy.source, data(1)), data(1));
    assert.deepEqual(busy.sleeps, [200, 400]);
    const failures = Array.from({ length: 5 }, () => "EBUSY");
    const always = sourceOf({ provider: "tdx_guest", report: tdxQuote, failures });
    await assert.rejects(always.source.collect(data(1)), { code: "source", message: /EBUSY.*in flight/ });
    assert.equal(always.entries.size, 0);
  });

  for (const [what, options, expected] of [
    ["no provider", { report: tdxQuote }, /ENXIO.*no confidential guest/],
    ["a provider that is not known", { provider: "other", report: tdxQuote }, /provider other/],
    [
      "a quoting service that is silent",
      { provider: "tdx_guest", report: tdxQuote, failures: ["ETIMEDOUT"] },
      /gave no answer/,
    ],
    ["another report", { provider: "tdx_guest", report: () => tdxQuote(data(9)) }, /something else than was asked/],
    [
      "somebody who writes as well",
      { provider: "tdx_guest", report: () => tdxQuote(data(1)), meanwhile: (entry) => void entry.generation++ },
      /2 writes were counted, not 1/,
    ],
    [
      "a write that was lost",
      {
        provider: "tdx_guest",
        report: tdxQuote,
        meanwhile: (entry) => void Object.assign(entry, { inblob: new Uint8Array() }),
      },
      /EINVAL/,
    ],
    ["a quote in CBOR", { provider: "tdx_guest", report: async () => Uint8Array.of(0xd9, 1, 2) }, /CBOR quotes/],
  ] as const satisfies readonly (readonly [string, TsmOptions, RegExp])[]) {
    it(`refuses ${what}`, async () => {
      const { source, entries } = sourceOf(options);
      await assert.rejects(source.collect(data(1)), { name: "AttestationError", message: expected });
      assert.equal(entries.size, 0);
    });
  }
});

describe("dstackSource", () => {
  const socket = join(folder, "dstack.sock");
  let answer: (reportData: Uint8Array) => Promise<[number, object]> = async (reportData) => [
    200,
    { quote: Buffer.from(await tdxQuote(reportData)).toString("hex"), event_log: "[]", report_data: "" },
  ];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", async () => {
      const isQuote = request.method === "POST" && request.url === "/GetQuote";
      const given = Buffer.from(JSON.parse(body).report_data, "hex");
      // The agent pads what is shorter.
      const [status, json] = isQuote
        ? await answer(Buffer.concat([given, Buffer.alloc(64 - given.length)]))
        : [404, {}];
      response.writeHead(status).end(JSON.stringify(json));
    });
  });
  server.listen(socket);
  after(() => server.close());
  const source = dstackSource({ post: unixSocketPost(socket) });

  it("asks the guest agent over its socket", async () => {
    assert.deepEqual(await reportDataIn(source, data(6)), data(6));
  });

  it("refuses an error, an answer without a quote, and a quote for something else", async () => {
    const rows = [
      [async () => [500, {}], /status 500/],
      [async () => [200, {}], /quote is not text/],
      [async () => [200, { quote: Buffer.from(await tdxQuote(data(1))).toString("hex") }], /something else/],
    ] as const satisfies readonly (readonly [typeof answer, RegExp])[];
    for (const [next, expected] of rows) {
      answer = next;
      await assert.rejects(source.collect(data(6)), { name: "AttestationError", message: expected });
    }
  });

  it("says that there is no socket", async () => {
    const absent = dstackSource({ post: unixSocketPost(join(folder, "absent.sock")) });
    await assert.rejects(absent.collect(data(1)), { code: "source", message: /ENOENT.*mount/ });
  });
});

describe("the other sources", () => {
  it("none gives nothing", async () => assert.equal(await noEvidence.collect(data(1)), undefined));

  it("simulated gives a quote of its own root with its collateral", async () => {
    for (const tee of ["sgx", "tdx"] as const) {
      const source = simulatedSource({ platform, tee });
      assert.deepEqual(await reportDataIn(source, data(2)), data(2));
      const text = new TextDecoder().decode((await source.collect(data(2)))?.endorsements?.bytes);
      assert.match(parseCollateral(text).tcbInfo, new RegExp(`"id":"${tee.toUpperCase()}"`));
    }
    assert.equal((await simulatedSource({ platform, endorsed: false }).collect(data(2)))?.endorsements, undefined);
    assert.match(platform.root.name, /Simulated.*NOT INTEL/);
  });

  it("refuse to ask for anything but 64 bytes", async () => {
    const { files } = fakeGramine(sgxQuote);
    const all = [
      gramineSource({ files }),
      simulatedSource({ platform }),
      configfsTsmSource({ files, sleep: async () => {} }),
    ];
    for (const source of all) await assert.rejects(source.collect(new Uint8Array(32)), RangeError);
  });
});
