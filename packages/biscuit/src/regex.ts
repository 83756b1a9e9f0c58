/** The engine behind `.matches()`: patterns in the syntax of Rust's `regex` crate, in linear time, charged by the step. */
export { Fuel } from "./limits.ts";
export { compileRegex, type Regex } from "./regex/regex.ts";
