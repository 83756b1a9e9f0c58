import { CountersignError, defined } from "@countersign/protocol";
import type { z } from "zod";
import { readJson } from "../body.ts";
import type { HttpRequest } from "../message.ts";
import { empty, json } from "../response.ts";
import type { Call, Route, RouteDoc } from "../route.ts";
import { type Actor, actorOf, requireSuperuser } from "./actor.ts";

/** A management request whose caller and input are checked. */
export interface ManagementCall<Body, Query> extends Call {
  readonly actor: Actor;
  readonly body: Body;
  readonly query: Query;
}

/** One operation of the management API: its checks are data, its work is `run`. */
export interface Operation<Body extends z.ZodType, Query extends z.ZodObject, Result extends z.ZodType> {
  readonly method: Route["method"];
  readonly path: string;
  readonly summary: string;
  readonly tag: RouteDoc["tag"];
  /** `token`: any token that is good; the operation looks further itself. */
  readonly access: "superuser" | "token" | "none";
  readonly body?: Body;
  /** The shape of the body in the OpenAPI document, where the operation itself says what is wrong with one. @default `body` */
  readonly shownBody?: z.ZodType;
  /** Header fields of the request that it reads, and what each is for. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Query;
  /** The shape of the response; 204 without one. */
  readonly result?: Result;
  /** The entity tag of the response (RFC 9110 section 8.8.3). @default none */
  readonly etag?: (result: z.input<Result>) => string;
  readonly run: (call: ManagementCall<z.output<Body>, z.output<Query>>) => Promise<z.input<Result>> | Promise<void>;
}

const nobody: Actor = { clientId: "", isSuperuser: false, name: "anonymous" };

/** Turns an operation into a route: access, then input, then work, then response. */
export function operation<
  Body extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodObject = z.ZodObject<Record<never, never>>,
  Result extends z.ZodType = z.ZodVoid,
>(row: Operation<Body, Query, Result>): Route {
  return {
    method: row.method,
    path: row.path,
    doc: docOf(row),
    async handle(call) {
      const actor = row.access === "none" ? nobody : await actorOf(call);
      if (row.access === "superuser") requireSuperuser(actor);
      const body = row.body === undefined ? undefined : check(row.body, await jsonBody(call), "body");
      const query = row.query === undefined ? {} : check(row.query, queryOf(call.request), "query");
      const result = await row.run({ ...call, actor, body: body as z.output<Body>, query: query as z.output<Query> });
      return row.result === undefined ? empty(204) : json(result, 200, tagOf(row, result as z.input<Result>));
    },
  };
}

function tagOf<Result extends z.ZodType>(
  { etag }: Pick<Operation<z.ZodType, z.ZodObject, Result>, "etag">,
  result: z.input<Result>,
): Readonly<Record<string, string>> {
  return etag === undefined ? {} : { etag: etag(result) };
}

function docOf(row: Pick<Operation<z.ZodType, z.ZodObject, z.ZodType>, Documented>): RouteDoc {
  const { summary, tag, access, query, headers, result } = row;
  const body = row.shownBody ?? row.body;
  return {
    summary,
    tag,
    security: access === "none" ? "none" : "bearer",
    ...(body === undefined ? {} : { body: { type: "application/json", schema: body } }),
    ...defined({ query, headers }),
    success: result === undefined ? { status: 204 } : { status: 200, schema: result },
  };
}

type Documented = "summary" | "tag" | "access" | "body" | "shownBody" | "query" | "headers" | "result";

async function jsonBody({ request, services }: Call): Promise<unknown> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new CountersignError("unsupported_media_type", { hint: "Send JSON with Content-Type: application/json" });
  }
  return readJson(request, services.config.limits.body_bytes);
}

/** The URL is not parsed whole: its host is what the Host header says, which need not be one that the platform takes. */
function queryOf({ url }: HttpRequest): Readonly<Record<string, string>> {
  const query = /\?([^#]*)/.exec(url)?.[1] ?? "";
  return Object.fromEntries(new URLSearchParams(query));
}

/** Names the members that are wrong and what they must be; never their values. */
function check<Schema extends z.ZodType>(schema: Schema, input: unknown, where: string): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, code, message }) =>
    code === "unrecognized_keys" ? "unknown members are not allowed" : `${path.join(".") || where}: ${message}`,
  );
  throw new CountersignError("invalid_request", { hint: `The ${where} is wrong: ${problems.slice(0, 5).join("; ")}` });
}
