import type { Command } from "../command.ts";
import { adminRecover } from "./admin-recover.ts";
import { attestCommands } from "./attest.ts";
import { audit } from "./audit.ts";
import { authorizeCommands } from "./authorize/index.ts";
import { clientCommands } from "./client.ts";
import { completionCommand } from "./completion.ts";
import { configCommands } from "./config.ts";
import { identityCommands } from "./identity/index.ts";
import { keyCommands } from "./keys.ts";
import { keysGenerate } from "./keys-generate.ts";
import { sessionCommands } from "./login.ts";
import { policyCommands } from "./policy.ts";
import { policyStoreCommands } from "./policy-store.ts";
import { revoke } from "./revoke.ts";
import { rulesCommands } from "./rules.ts";
import { serve } from "./serve.ts";
import { storeCommands } from "./store.ts";
import { tlsCommands } from "./tls.ts";
import { tokenCommands } from "./token.ts";
import { userCommands } from "./user.ts";
import { vault } from "./vault.ts";

/** Every command: one row each. The help and the completions are printed from this table. */
export const commands: readonly Command[] = [
  serve,
  ...configCommands,
  ...sessionCommands,
  ...clientCommands,
  ...userCommands,
  adminRecover,
  ...keyCommands,
  keysGenerate,
  ...tokenCommands,
  ...identityCommands,
  ...authorizeCommands,
  ...tlsCommands,
  revoke,
  ...policyCommands,
  ...storeCommands,
  ...rulesCommands,
  ...attestCommands,
  ...policyStoreCommands,
  audit,
  vault,
  completionCommand(() => commands),
];
