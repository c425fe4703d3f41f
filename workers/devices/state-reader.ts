// Checked reading of a saved device state: every field is looked at before it is used, for snapshots come from strangers.
// Shared by the display, disk and floppy devices.

import { SnapshotError } from "../platform/state.ts";
import type { State } from "../platform/types.ts";

export interface Reader {
  bytes(name: string, length: number): Uint8Array;
  /** Bytes of any length up to `most`. */
  blob(name: string, most: number): Uint8Array;
  integers(name: string, count: number, most: number): readonly number[];
  integer(name: string, most: number): number;
  flag(name: string): boolean;
  text(name: string): string;
  part(name: string): State;
}

function bad(what: string): never {
  throw new SnapshotError(what);
}

export function readObject(state: State, where: string): Reader {
  if (typeof state !== "object" || state === null || Array.isArray(state) || state instanceof Uint8Array)
    return bad(`${where} is not an object`);
  const fields = state as { readonly [k: string]: State };
  const get = (name: string): State => {
    if (!Object.hasOwn(fields, name)) return bad(`${where}.${name} is missing`);
    return fields[name]!;
  };
  const whole = (value: State, name: string, most: number): number => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > most)
      return bad(`${where}.${name} is not a whole number up to ${most}`);
    return value;
  };
  return {
    part: (name) => (Object.hasOwn(fields, name) ? fields[name]! : bad(`${where}.${name} is missing`)),
    bytes: (name, length) => {
      const value = get(name);
      if (!(value instanceof Uint8Array) || value.length !== length) return bad(`${where}.${name} is not ${length} bytes`);
      return value;
    },
    blob: (name, most) => {
      const value = get(name);
      if (!(value instanceof Uint8Array) || value.length > most) return bad(`${where}.${name} is not up to ${most} bytes`);
      return value;
    },
    integers: (name, count, most) => {
      const value = get(name);
      if (!Array.isArray(value) || value.length !== count) return bad(`${where}.${name} is not a list of ${count}`);
      return value.map((v: State, i: number) => whole(v, `${name}[${i}]`, most));
    },
    integer: (name, most) => whole(get(name), name, most),
    flag: (name) => {
      const value = get(name);
      return typeof value === "boolean" ? value : bad(`${where}.${name} is not a boolean`);
    },
    text: (name) => {
      const value = get(name);
      return typeof value === "string" ? value : bad(`${where}.${name} is not text`);
    },
  };
}
