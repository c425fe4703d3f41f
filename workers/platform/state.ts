// Reading saved state that may come from a stranger: every field is fetched by name, kind and range.

import type { State } from "./types.ts";

export class SnapshotError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SnapshotError";
  }
}
type Fields = { readonly [k: string]: State };

export function fields(state: State, what: string): Fields {
  if (typeof state !== "object" || state === null || Array.isArray(state) || state instanceof Uint8Array)
    throw new SnapshotError(`${what}: expected an object`);
  return state as Fields;
}
export function numberField(from: Fields, name: string, min = 0, max = 0xffffffff): number {
  const value = from[name];
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max)
    throw new SnapshotError(`${name}: expected a whole number from ${min} to ${max}`);
  return value;
}
/** A time in guest ns: any finite number. */
export function timeField(from: Fields, name: string): number {
  const value = from[name];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new SnapshotError(`${name}: expected a time`);
  return value;
}
export function timeOrNull(from: Fields, name: string): number | null {
  return from[name] === null ? null : timeField(from, name);
}
export function booleanField(from: Fields, name: string): boolean {
  const value = from[name];
  if (typeof value !== "boolean") throw new SnapshotError(`${name}: expected true or false`);
  return value;
}
export function bytesField(from: Fields, name: string, length?: number): Uint8Array {
  const value = from[name];
  if (!(value instanceof Uint8Array) || (length !== undefined && value.length !== length))
    throw new SnapshotError(`${name}: expected ${length ?? "some"} bytes`);
  return value;
}
export function bytesUpTo(from: Fields, name: string, most: number): Uint8Array {
  const value = bytesField(from, name);
  if (value.length > most) throw new SnapshotError(`${name}: more than ${most} bytes`);
  return value;
}
export function listField(from: Fields, name: string, length?: number): readonly State[] {
  const value = from[name];
  if (!Array.isArray(value) || (length !== undefined && value.length !== length))
    throw new SnapshotError(`${name}: expected a list of ${length ?? "any number of"} entries`);
  return value;
}
/** An object whose numbers are all checked against `max`: for chips that are a bag of small registers. */
export function numbersField(from: Fields, name: string, length: number, max = 0xffffffff): number[] {
  return listField(from, name, length).map((v, i) => {
    if (typeof v !== "number" || !Number.isInteger(v) || v < 0 || v > max) throw new SnapshotError(`${name}[${i}]: out of range`);
    return v;
  });
}
