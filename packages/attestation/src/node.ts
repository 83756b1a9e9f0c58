import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import type { DstackOptions, SocketAnswer } from "./sources/dstack.ts";
import type { FileTree } from "./sources/source.ts";

/**
 * The files of this machine, for the sources of evidence.
 *
 * @example
 * const source = gramineSource({ files: nodeFiles });
 */
export const nodeFiles: FileTree = {
  readFile: async (path) => new Uint8Array(await readFile(path)),
  writeFile: (path, bytes) => writeFile(path, bytes),
  makeDirectory: (path) => mkdir(path),
  // Not recursive: what the kernel shows in there cannot be removed.
  removeDirectory: (path) => rmdir(path),
};

/** Longer answers are not read. */
const MAX_ANSWER = 4_194_304;
const TIMEOUT_MS = 30_000;

/** Posts JSON over a socket of this machine, for {@link DstackOptions.post}. @default the socket of dstack */
export function unixSocketPost(socketPath = "/var/run/dstack.sock"): DstackOptions["post"] {
  return (path, json) =>
    new Promise<SocketAnswer>((resolve, reject) => {
      const headers = {
        "content-type": "application/json",
        "content-length": `${new TextEncoder().encode(json).length}`,
      };
      const sent = request({ socketPath, path, method: "POST", headers, timeout: TIMEOUT_MS }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (part) => {
          text += part;
          if (text.length > MAX_ANSWER) sent.destroy(new Error("the answer is too large"));
        });
        answer.on("error", reject);
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
      sent.on("error", reject);
      sent.end(json);
    });
}
