import type { Command } from "../../command.ts";
import { authenticate } from "./authenticate.ts";
import { delegate } from "./delegate.ts";
import { deleteCommand } from "./delete.ts";
import { inspect } from "./inspect.ts";
import { issue } from "./issue.ts";
import { list } from "./list.ts";
import { mint } from "./mint.ts";
import { prune } from "./prune.ts";
import { refresh } from "./refresh.ts";
import { verify } from "./verify.ts";

/** Identity tokens: of an authority, and of this machine's files. */
export const identityCommands: readonly Command[] = [
  authenticate,
  issue,
  delegate,
  verify,
  refresh,
  list,
  inspect,
  prune,
  deleteCommand,
  mint,
];
