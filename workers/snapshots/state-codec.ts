// A State (platform/types.ts) as bytes: one letter per kind, lengths as 32-bit numbers. Read from strangers' files: every length is checked
// against what is left, depth is limited, and nothing is taken from prototypes.

import { SnapshotError } from "../platform/state.ts";
import type { State } from "../platform/types.ts";

const MOST_DEPTH = 32;

export function encodeState(state: State): Uint8Array {
  let out = new Uint8Array(1 << 16);
  let at = 0;
  const room = (bytes: number) => {
    if (at + bytes <= out.length) return;
    const more = new Uint8Array(Math.max(out.length * 2, at + bytes));
    more.set(out);
    out = more;
  };
  const u32 = (value: number) => {
    room(4);
    new DataView(out.buffer).setUint32(at, value, true);
    at += 4;
  };
  const bytes = (part: Uint8Array) => {
    u32(part.length);
    room(part.length);
    out.set(part, at);
    at += part.length;
  };
  const text = (value: string) => bytes(new TextEncoder().encode(value));
  const letter = (l: string) => {
    room(1);
    out[at++] = l.charCodeAt(0);
  };
  const put = (value: State): void => {
    if (value === null) letter("n");
    else if (typeof value === "boolean") letter(value ? "t" : "f");
    else if (typeof value === "number") {
      letter("d");
      room(8);
      new DataView(out.buffer).setFloat64(at, value, true);
      at += 8;
    } else if (typeof value === "bigint") {
      letter("i");
      text(value.toString(16));
    } else if (typeof value === "string") {
      letter("s");
      text(value);
    } else if (value instanceof Uint8Array) {
      letter("b");
      bytes(value);
    } else if (Array.isArray(value)) {
      letter("l");
      u32(value.length);
      for (const one of value as readonly State[]) put(one);
    } else {
      const entries = Object.entries(value as { readonly [k: string]: State });
      letter("o");
      u32(entries.length);
      for (const [key, one] of entries) {
        text(key);
        put(one);
      }
    }
  };
  put(state);
  return out.subarray(0, at);
}

export function decodeState(from: Uint8Array): State {
  const view = new DataView(from.buffer, from.byteOffset, from.byteLength);
  let at = 0;
  const need = (bytes: number) => {
    if (bytes > from.length - at) throw new SnapshotError("the saved state is cut short");
  };
  const u32 = (): number => {
    need(4);
    at += 4;
    return view.getUint32(at - 4, true);
  };
  const bytes = (): Uint8Array => {
    const length = u32();
    need(length);
    at += length;
    return from.slice(at - length, at);
  };
  const text = () => new TextDecoder().decode(bytes());
  const take = (depth: number): State => {
    if (depth > MOST_DEPTH) throw new SnapshotError("the saved state is nested too deeply");
    need(1);
    switch (String.fromCharCode(from[at++] as number)) {
      case "n":
        return null;
      case "t":
        return true;
      case "f":
        return false;
      case "d":
        need(8);
        at += 8;
        return view.getFloat64(at - 8, true);
      case "i": {
        const digits = text();
        if (!/^-?[0-9a-f]{1,64}$/.test(digits)) throw new SnapshotError("a number of the saved state is damaged");
        return digits.startsWith("-") ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);
      }
      case "s":
        return text();
      case "b":
        return bytes();
      case "l": {
        const count = u32();
        need(count);
        return Array.from({ length: count }, () => take(depth + 1));
      }
      case "o": {
        const count = u32();
        need(count);
        const out: { [k: string]: State } = Object.create(null) as { [k: string]: State };
        for (let i = 0; i < count; i++) {
          const key = text();
          out[key] = take(depth + 1);
        }
        return { ...out };
      }
      default:
        throw new SnapshotError("the saved state is damaged");
    }
  };
  const state = take(0);
  if (at !== from.length) throw new SnapshotError("the saved state has bytes left over");
  return state;
}
