import { parentPort } from "node:worker_threads";

// Where a thread of the authority finds a package of the workspace.
parentPort?.postMessage(import.meta.resolve("@countersign/protocol"));
