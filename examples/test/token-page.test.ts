import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { KeyPair } from "@countersign/biscuit";
import { systemClock } from "@countersign/protocol";
import { delegateIdentity, mintAuthorization, mintIdentity, signOff } from "@countersign/protocol/capability";
import { build } from "esbuild";
import { pageFiles } from "../token-page/bundle.ts";
import { browserMissing, type OpenPage, openPage } from "./browser.ts";

const alice = "urn:example:alice";
const hostile = `${alice}:<img src=x onerror="document.title='run'">`;
const clock = systemClock;
const [root, finance, risk] = [await KeyPair.generate("secp256r1"), await KeyPair.generate(), await KeyPair.generate()];
const options = { rootKey: root.publicKey, clock };

async function identity(): Promise<string> {
  const minted = await mintIdentity(root, { subject: alice, delegatable: true }, { clock, lifetimeMs: 3_600_000 });
  return (
    await delegateIdentity(minted.toBase64(), { identity: hostile }, { ...options, lifetimeMs: 600_000 })
  ).toBase64();
}

async function payment(): Promise<string> {
  const parties = [
    { component: "finance", publicKey: finance.publicKey },
    { component: "risk", publicKey: risk.publicKey },
  ];
  const minted = await mintAuthorization(
    root,
    { subject: alice, resource: "payments", operation: "pay", parties },
    { clock },
  );
  return (await signOff(minted.toBase64(), { component: "finance", key: finance }, options)).toBase64();
}

/** The offline part alone, for a worker. */
async function workerCode(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(import.meta.resolve("@countersign/sdk/offline"))],
    bundle: true,
    platform: "browser",
    conditions: ["@countersign/source"],
    format: "iife",
    globalName: "sdk",
    write: false,
  });
  return `${outputFiles[0]?.text}
    onmessage = ({ data: { publicKey, token } }) =>
      new sdk.LocalTokens({ publicKey }).authenticateIdentityToken(token).then(({ actor }) => postMessage(actor));`;
}

describe("the page that draws tokens, in Chromium", { skip: browserMissing }, () => {
  let page: OpenPage;
  let close: () => unknown;
  let url = "";

  before(async () => {
    const files = new Map<string, readonly [type: string, content: Uint8Array | string]>([
      ...(await pageFiles()),
      ["/worker.js", ["text/javascript", await workerCode()]],
      ["/blank", ["text/html", ""]],
    ]);
    const server = createServer((request, response) => {
      const [type = "text/plain", content = ""] = files.get(request.url ?? "") ?? [];
      response.setHeader("content-type", type).end(content);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    page = await openPage(url);
    close = () => {
      server.closeAllConnections();
      server.close();
    };
  });

  after(async () => {
    await page?.[Symbol.asyncDispose]();
    close?.();
  });

  /** Fills the form in, and gives what the page says then. */
  const draw = (token: string, key: string): Promise<unknown> =>
    page.evaluate(`(async () => {
      const result = document.querySelector("#result");
      result.replaceChildren();
      const told = new Promise((resolve) => new MutationObserver(resolve).observe(result, { childList: true }));
      document.querySelector("[name=token]").value = ${JSON.stringify(token)};
      document.querySelector("[name=key]").value = ${JSON.stringify(key)};
      document.querySelector("button").click();
      await told;
      return [...result.querySelectorAll("h2, p, dt, dd, strong")].map((one) => one.textContent).join("\\n");
    })()`);

  it("tells whom a delegated identity stands for, block by block, and runs nothing that a name says", async () => {
    const text = String(await draw(await identity(), root.publicKey.toPem()));
    assert.match(text, /^An identity token\nIts signatures hold\.\nstands for\n/);
    const lines = text.split("\n");
    assert.equal(lines[3], hostile);
    assert.equal(lines.filter((line) => line === "signed by").length, 2);
    assert.ok(lines.includes(`the authority, ${root.publicKey}`));
    assert.ok(lines.includes(`Handed to ${hostile}`));
    assert.match(text, /until\n\d{4}-\d\d-\d\dT[\d:]{8}Z\n/);
    assert.notEqual(await page.evaluate("document.title"), "run");
  });

  it("tells what a payment still waits for, and who signed", async () => {
    const text = String(await draw(await payment(), root.publicKey.toString()));
    assert.match(text, /grants\nurn:example:alice may pay payments\nwaits for\nrisk\n/);
    assert.ok(text.includes(`Signed off by finance\nsigned by\n${finance.publicKey}\n`));
  });

  it("refuses a token that another authority signed, and what is no token or key", async () => {
    assert.match(String(await draw(await identity(), finance.publicKey.toPem())), /^Refused: Token error: /);
    assert.match(String(await draw("AAAA", root.publicKey.toPem())), /^Refused: Token error: /);
    assert.match(String(await draw(await identity(), "ed25519/00")), /^Refused: /);
  });

  it("verifies in a worker too", async () => {
    const data = JSON.stringify({ publicKey: root.publicKey.toPem(), token: await identity() });
    // The page itself allows no worker.
    await using blank = await openPage(`${url}blank`);
    const actor = await blank.evaluate(`(async () => {
      const worker = new Worker("/worker.js");
      const told = new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      });
      worker.postMessage(${data});
      return told;
    })()`);
    assert.equal(actor, hostile);
  });
});
