import { type Authority, createLog } from "@countersign/authority";
import { createLambdaHandler, type LambdaHandler } from "@countersign/authority/lambda";
import { systemClock, systemRandom } from "@countersign/protocol";
import { isShared } from "./data-directory.ts";
import { exitNow } from "./exit-now.ts";
import { CliFailure, reasonOf } from "./failure.ts";
import { openAuthority } from "./open-authority.ts";
import { loadSettings } from "./settings.ts";
import type { World } from "./world.ts";

const { env, stdin, stdout, stderr } = process;

const world: World = {
  env,
  stdin,
  stdout,
  stderr,
  clock: systemClock,
  random: systemRandom,
  onSignal: () => {},
  parent: () => process.ppid,
  exit: exitNow,
};

const log = createLog({ write: (lines) => stderr.write(lines), clock: world.clock });

/** The authority as a function of AWS Lambda, with the settings of its variables. */
export const handler: LambdaHandler = async (event) => {
  try {
    return await respond(event);
  } finally {
    // The function is frozen as soon as it has answered.
    log.flush();
  }
};

const respond = createLambdaHandler({
  open,
  onFailure: (error) => {
    const hints = error instanceof CliFailure ? error.hints : [];
    stderr.write(`${JSON.stringify({ level: "error", event: "open.failed", detail: reasonOf(error), hints })}\n`);
  },
});

async function open(): Promise<Authority> {
  const { settings } = loadSettings({ env });
  const { issuer } = settings;
  if (!isShared(settings))
    throw new CliFailure("a function keeps no files", {
      hints: ["set COUNTERSIGN_STORE_URL: postgres:// or dynamodb:"],
    });
  if (issuer === undefined) throw new CliFailure("no issuer", { hints: ["set COUNTERSIGN_ISSUER"] });
  if ((env.COUNTERSIGN_KEY ?? "") === "")
    throw new CliFailure("no key-encryption key", { hints: ["set COUNTERSIGN_KEY, the same for every node"] });
  return openAuthority({ settings, issuer, observer: log, signing: "inline" }, world);
}
