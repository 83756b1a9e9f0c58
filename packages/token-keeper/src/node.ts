export { type AliriFileCacheOptions, aliriFileCache } from "./caches/aliri-file.ts";
export { type FileCacheOptions, fileCache } from "./caches/file.ts";
export { UnsafeFileError } from "./caches/secure-file.ts";
export { type FileSourceOptions, fileSource } from "./sources/token-file.ts";
export { createTlsFetch, type TlsFetchOptions } from "./tls-fetch.ts";
