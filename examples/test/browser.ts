import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome"];

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Chromium: `CHROMIUM`, or the first on PATH. */
export const chromium =
  process.env.CHROMIUM ||
  (process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(isProgram);

/** Why nothing can be tested in a browser here; in CI, which installs one, that is a failure, not a reason. */
export const browserMissing =
  chromium !== undefined || process.env.CI === "true" ? false : "there is no Chromium: install it, or set CHROMIUM";

/** A page that is open in Chromium. */
export interface OpenPage extends AsyncDisposable {
  /** Runs code in the page, and waits for the promise that it gives. */
  evaluate(code: string): Promise<unknown>;
}

const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"];
const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"];

/** Where Chromium says that it listens. */
async function debuggerOf(child: ChildProcess): Promise<string> {
  let said = "";
  for await (const chunk of child.stderr ?? []) {
    said += chunk;
    const url = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`Cannot start Chromium: ${said}`);
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly error?: { readonly message: string };
  readonly result?: {
    readonly targetId?: string;
    readonly sessionId?: string;
    readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
    readonly result?: { readonly value?: unknown };
  };
}

/** Speaks the protocol of the developer tools. */
function callerOf(socket: WebSocket) {
  const waiting = new Map<number, (reply: Reply) => void>();
  const events = new Map<string, () => void>();
  socket.addEventListener("message", ({ data }) => {
    const reply = JSON.parse(String(data)) as Reply;
    if (reply.id !== undefined) waiting.get(reply.id)?.(reply);
    else events.get(reply.method ?? "")?.();
  });
  return {
    async call(method: string, params: object = {}, sessionId?: string): Promise<NonNullable<Reply["result"]>> {
      const id = waiting.size + 1;
      const replied = new Promise<Reply>((resolve) => waiting.set(id, resolve));
      socket.send(JSON.stringify({ id, method, params, sessionId }));
      const { error, result = {} } = await replied;
      if (error !== undefined) throw new Error(`${method}: ${error.message}`);
      return result;
    },
    event: (method: string): Promise<void> => new Promise((resolve) => events.set(method, resolve)),
  };
}

/** Opens an address in a Chromium of its own, gone when disposed. */
export async function openPage(url: string): Promise<OpenPage> {
  if (chromium === undefined) throw new Error("Cannot find Chromium");
  const profile = mkdtempSync(join(tmpdir(), "countersign-chromium-"));
  const args = [...flags, ...quiet, `--user-data-dir=${profile}`, "about:blank"];
  const child = spawn(chromium, args, { stdio: ["ignore", "ignore", "pipe"] });
  const socket = new WebSocket(await debuggerOf(child));
  await once(socket, "open");
  const { call, event } = callerOf(socket);
  const { targetId } = await call("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
  await call("Page.enable", {}, sessionId);
  const loaded = event("Page.loadEventFired");
  await call("Page.navigate", { url }, sessionId);
  await loaded;
  return {
    async evaluate(expression) {
      const params = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await call("Runtime.evaluate", params, sessionId);
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? "it threw");
      return result?.value;
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      socket.close();
      child.kill();
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
