import { CountersignError, defined } from "@countersign/protocol";
import {
  type CapabilityMessage,
  type CapabilityPath,
  type CapabilityResponse,
  capabilityEndpoints,
  readCapabilityMessage,
} from "@countersign/protocol/capability";
import type { z } from "zod";
import { nameable } from "../../audit/nameable.ts";
import type { CapabilityCaller } from "../../core/capability/caller.ts";
import { readJson } from "../body.ts";
import type { HttpResponse } from "../message.ts";
import { json } from "../response.ts";
import type { Call, Route, RouteDoc } from "../route.ts";
import { capabilityRefusal } from "./refusal.ts";

/** A request to a capability endpoint whose message was read. */
export interface CapabilityCall<Path extends CapabilityPath> extends Call {
  readonly message: CapabilityMessage<Path>;
}

/** One capability endpoint: who may ask, and what for. */
export interface Endpoint<Path extends CapabilityPath> {
  readonly path: Path;
  readonly summary: string;
  readonly security: RouteDoc["security"];
  /** What the metrics count it as, beside the grants of the token endpoint; what issues nothing is not counted so. */
  readonly grant?: string;
  readonly body?: z.ZodType;
  readonly response: z.ZodType;
  /** The status of a response. @default 200 */
  readonly status?: 200 | 201;
  readonly cors?: Route["cors"];
  /** Who asks, where somebody has to. @default anybody */
  readonly caller?: (call: CapabilityCall<Path>) => CapabilityCaller | Promise<CapabilityCaller>;
  readonly run: (
    call: CapabilityCall<Path>,
    caller: CapabilityCaller,
  ) => CapabilityResponse<Path> | Promise<CapabilityResponse<Path>>;
}

const nobody: CapabilityCaller = { identity: "", proof: "certificate" };

/** Turns an endpoint into a route: message, caller, work, response; a refusal is told to the log, the metrics and the limits. */
export function capabilityRoute<Path extends CapabilityPath>(endpoint: Endpoint<Path>): Route {
  const { path, cors } = endpoint;
  return {
    method: capabilityEndpoints[path].method,
    path,
    dialect: "capability",
    ...defined({ cors }),
    doc: docOf(endpoint),
    handle: (call) => answer(endpoint, call),
  };
}

function docOf<Path extends CapabilityPath>({
  summary,
  security,
  body,
  response,
  status = 200,
}: Endpoint<Path>): RouteDoc {
  return {
    summary,
    tag: "Capability tokens",
    security,
    ...(body === undefined ? {} : { body: { type: "application/json", schema: body } }),
    success: { status, schema: response },
  };
}

/** What was found out of a request before it was refused. */
interface Progress {
  message?: Readonly<Record<string, unknown>>;
  caller?: CapabilityCaller;
}

async function answer<Path extends CapabilityPath>(endpoint: Endpoint<Path>, call: Call): Promise<HttpResponse> {
  const { path, grant, status = 200 } = endpoint;
  if (grant !== undefined) call.labels.grant = grant;
  const progress: Progress = {};
  try {
    refuseFlood(call);
    const message = await readMessage(path, call);
    progress.message = message;
    const asked = { ...call, message };
    const caller = (await endpoint.caller?.(asked)) ?? nobody;
    progress.caller = caller;
    return json(await endpoint.run(asked, caller), status);
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return refuse(path, { error, call, progress });
  }
}

async function readMessage<Path extends CapabilityPath>(path: Path, call: Call): Promise<CapabilityMessage<Path>> {
  if (capabilityEndpoints[path].method === "GET") return readCapabilityMessage(path, {});
  const { request, services } = call;
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new CountersignError("unsupported_media_type", { hint: "Send JSON with Content-Type: application/json" });
  }
  const body = await readJson(request, services.config.limits.body_bytes);
  try {
    return readCapabilityMessage(path, body);
  } catch (error) {
    throw error instanceof CountersignError ? unfit(error, body) : error;
  }
}

/** The words by which clients of the Rust crates know it; only names of our own are in them. */
function unfit({ detail, data }: CountersignError, body: unknown): CountersignError {
  const member = String(data?.path);
  const isMissing = typeof body === "object" && body !== null && !Array.isArray(body) && !Object.hasOwn(body, member);
  const what = isMissing ? `missing field \`${member}\`` : `${member} is not ${String(data?.expected)}`;
  const hint = `Failed to deserialize the JSON body into the target type: ${what}`;
  return new CountersignError("invalid_request", { hint, ...defined({ detail, data }) });
}

const PURPOSE = "capability";

function refuseFlood({ peer, services }: Call): void {
  services.limits.refuseExhausted(PURPOSE, peer.address, services.config.limits.capability_refusals_per_minute);
}

interface Refusal {
  readonly error: CountersignError;
  readonly call: Call;
  readonly progress: Progress;
}

async function refuse(path: CapabilityPath, { error, call, progress }: Refusal): Promise<HttpResponse> {
  const refused = await counted(error, call);
  notice(path, { error: refused, call, progress });
  return capabilityRefusal(refused, { path, resource: nameOf(progress, "resource") });
}

/** Whoever is refused too often is refused before anything is looked at. What this server lacks counts against nobody. */
async function counted(error: CountersignError, { peer, services }: Call): Promise<CountersignError> {
  if (error.status >= 500 || error.code === "too_many_requests") return error;
  try {
    await services.limits.countAddress(PURPOSE, peer.address, services.config.limits.capability_refusals_per_minute);
    return error;
  } catch (exhausted) {
    if (exhausted instanceof CountersignError) return exhausted;
    throw exhausted;
  }
}

function notice(path: CapabilityPath, { error, call: { peer, services }, progress }: Refusal): void {
  const named = (member: string) => nameable(nameOf(progress, member) ?? "") || undefined;
  services.audit.notice("capability.refused", {
    endpoint: path,
    code: error.code,
    detail: error.detail ?? error.message,
    ...defined({
      caller: progress.caller?.identity || undefined,
      resource: named("resource"),
      operation: named("operation"),
      address: peer.address,
    }),
  });
}

function nameOf({ message }: Progress, member: string): string | undefined {
  const value = message?.[member];
  return typeof value === "string" ? value : undefined;
}
