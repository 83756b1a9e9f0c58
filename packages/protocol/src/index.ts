export { type Clock, systemClock } from "./clock.ts";
export { equalInConstantTime, fromBase64url, sha256, toBase64url } from "./encoding.ts";
export { type CatalogueRow, CountersignError, type ErrorCode, type ErrorDetails, errorCatalogue } from "./errors.ts";
export { type Random, randomSecret, randomUuid, systemRandom } from "./random.ts";
