import type { z } from "zod";
import type { Peer } from "../caller.ts";
import type { TokenEndpointServices } from "../grants/grant-table.ts";
import type { Services } from "../services.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";

/** What endpoints work with. */
export type EndpointServices = TokenEndpointServices & Omit<Services, "passwords">;

/** One request on its way to an endpoint. */
export interface Call {
  readonly request: HttpRequest;
  readonly peer: Peer;
  readonly services: EndpointServices;
  /** The parameters of the route's path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** What the endpoint found out that the metrics count by. */
  readonly labels: { grant?: string };
}

/** What a route says of itself in the OpenAPI document. */
export interface RouteDoc {
  readonly summary: string;
  readonly tag:
    | "OAuth 2"
    | "Clients"
    | "Users"
    | "Keys"
    | "Policy"
    | "Revocation"
    | "Audit"
    | "Operation"
    | "Compatibility"
    | "Capability tokens";
  /** How callers prove who they are. */
  readonly security: "none" | "client" | "bearer" | "identity";
  readonly body?: {
    readonly type: "application/json" | "application/x-www-form-urlencoded";
    readonly schema: z.ZodType;
  };
  readonly query?: z.ZodObject;
  /** Header fields that it reads, and what each is for. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `type` is the media type, JSON when absent, or `none` for a response without content. */
  readonly success: { readonly status: 200 | 201 | 204; readonly schema?: z.ZodType; readonly type?: string };
}

/** One row of the table of routes. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** A pattern such as `/api/v1/user/:id`; also the label under which the request is counted. */
  readonly path: string;
  readonly handle: (call: Call) => HttpResponse | Promise<HttpResponse>;
  readonly doc: RouteDoc;
  /** Which browser applications may call it: those of configured origins, or any. @default none */
  readonly cors?: "configured" | "any";
  /** Whose words its refusals have beside our own: every response of the capability endpoints has a `response_msg`. @default none */
  readonly dialect?: "capability";
  /** Whether its refusals are ordinary and are not logged. @default false */
  readonly quiet?: true;
}
