// The transcendental instructions against values computed with 400 bits (transcendentals.txt): the worst error in units of the last place, over the
// range where no argument reduction is needed. The manual promises one unit (SDM 1 8.3.10); to nearest with nothing lost would be half.

import { readFileSync } from "node:fs";
import { baseState, FX } from "../harness/cases.ts";
import { put } from "../harness/encode.ts";
import { Machine } from "../harness/machine.ts";

const CODE: { readonly [op: string]: readonly number[] } = {
  F2XM1: [0xd9, 0xf0], FYL2X: [0xd9, 0xf1], FPTAN: [0xd9, 0xf2], FPATAN: [0xd9, 0xf3], FYL2XP1: [0xd9, 0xf9], FSIN: [0xd9, 0xfe], FCOS: [0xd9, 0xff],
};
/** |value - sig * 2^power| in units of the last place of the 80-bit value, in thousandths. */
function error(se: number, sig: bigint, negative: boolean, reference: bigint, power: number): number {
  const unit = (se & 0x7fff) - 16383 - 63; // value = sig * 2^unit
  const shift = BigInt(Math.max(0, unit - power));
  const mine = (se & 0x8000 ? -sig : sig) << shift;
  const other = negative ? -reference : reference;
  const difference = mine - (unit < power ? other << BigInt(power - unit) : other);
  return Number(((difference < 0n ? -difference : difference) * 1000n) >> shift);
}
/** The worst error of each instruction, in thousandths of a unit of the last place. */
export function worstErrors(wasm: Uint8Array): Map<string, number> {
  const machine = new Machine(wasm);
  const worst = new Map<string, number>(Object.keys(CODE).map((op) => [op, Number.NaN]));
  for (const line of readFileSync(new URL("transcendentals.txt", import.meta.url), "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [op = "", st0 = "", st1 = "", result = "", power = ""] = line.split(" ");
    const before = baseState();
    put(before, FX + 4, 0xffn >> (op === "FPTAN" ? 1n : 0n), 1);
    // TOP is 0: registers 0-7 are ST0-ST7; FPTAN pushes, so ST7 is empty.
    put(before, FX + 32, BigInt(`0x${st0}`), 10);
    put(before, FX + 48, BigInt(`0x${st1}`), 10);
    const { after, vector } = machine.run(0, Uint8Array.from(CODE[op] ?? []), before);
    if (vector !== 255) throw new Error(`${line}: fault ${vector}`);
    const at = FX + (op === "FPTAN" ? 48 : 32);
    const v = new DataView(after.buffer);
    const e = error(v.getUint16(at + 8, true), v.getBigUint64(at, true), result.startsWith("-"), BigInt(`0x${result.slice(1)}`), Number(power));
    worst.set(op, Math.max(worst.get(op) || 0, e));
  }
  return worst;
}
