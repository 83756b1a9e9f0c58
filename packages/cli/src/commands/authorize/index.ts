import type { Command } from "../../command.ts";
import { attest } from "./attest.ts";
import { request } from "./request.ts";
import { sign } from "./sign.ts";
import { verify } from "./verify.ts";

/** Authorization tokens. */
export const authorizeCommands: readonly Command[] = [request, verify, attest, sign];
