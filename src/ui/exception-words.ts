// Exceptions in words: what raised one, what it touched, which gate failed. For the bench and for the inspector.

import type { Fatal } from "../contract/shutdown.ts";
import type { Key } from "../i18n/index.ts";
import type { T } from "./use-text.ts";

/** Exceptions by vector (Intel SDM 3A table 6-1); others have no name of their own. */
const EXCEPTIONS: { readonly [vector: number]: Key } = {
  0: "bench.exception.0", 1: "bench.exception.1", 3: "bench.exception.3", 4: "bench.exception.4", 5: "bench.exception.5", 6: "bench.exception.6", 7: "bench.exception.7", 8: "bench.exception.8",
  10: "bench.exception.10", 11: "bench.exception.11", 12: "bench.exception.12", 13: "bench.exception.13", 14: "bench.exception.14", 16: "bench.exception.16", 17: "bench.exception.17", 19: "bench.exception.19",
};
export const addressText = (address: number | bigint) => `${BigInt.asUintN(64, BigInt(address)).toString(16)}h`;
/** "#GP, general protection" */
export function exceptionName(vector: number, t: T): string {
  const known = EXCEPTIONS[vector];
  return known ? t(known) : String(vector);
}
/** Who raised it: `line` of a source, null for none of its lines, undefined where there is no source. */
export function raisedText({ vector, address }: Pick<Fatal, "vector" | "address">, line: number | null | undefined, t: T): string {
  const at = { address: addressText(address), vector, name: exceptionName(vector, t) };
  if (line === undefined) return t("insp.shutdown.raised", at);
  return line === null ? t("bench.fatal.outside", at) : t("bench.fatal.line", { ...at, line });
}
/** What else is known of the exception that began a shutdown. */
export function fatalDetails({ code, touched, gate, external }: Fatal, t: T): readonly string[] {
  return [
    ...(touched === null ? [] : [t("bench.fatal.touched", { address: addressText(touched) })]),
    ...(gate === null ? (code === null || code === 0 ? [] : [t("bench.fatal.code", { code: addressText(code) })]) : [t(external ? "bench.fatal.interrupt" : "bench.fatal.gate", { vector: gate })]),
  ];
}
