// Runs system-mode cases on our board, interpreted or translated, and keeps the stored ones: driver.bin.z, and cases.z, a line each of a record in
// hexadecimal and the line that the oracle printed for it.

import { readFileSync } from "node:fs";
import { deflateSync, inflateSync } from "node:zlib";
import type { CoreBinary } from "../../cpu/wasm-cpu.ts";
import { loadProgram, programBoard } from "../system/program.ts";
import { type Runner, runRecords } from "./rom.ts";

const MOST = 30_000_000;
export const STORED = new URL("cases.z", import.meta.url);
export const loadDriver = () => loadProgram(new URL("driver.bin.z", import.meta.url));

export interface StoredCase {
  readonly record: Uint8Array;
  readonly expected: string;
}
export function unpackStored(packed: Uint8Array): StoredCase[] {
  return inflateSync(packed).toString("latin1").split("\n").filter((l) => l !== "").map((l) => {
    const at = l.indexOf(" ");
    return { record: Uint8Array.from(Buffer.from(l.slice(0, at), "hex")), expected: l.slice(at + 1) };
  });
}
export const packStored = (cases: readonly StoredCase[]) => deflateSync(Buffer.from(cases.map((c) => `${Buffer.from(c.record).toString("hex")} ${c.expected}\n`).join(""), "latin1"), { level: 9 });
export const readStored = () => unpackStored(readFileSync(STORED));

/** Short slices where code is translated, so that blocks become hot and run translated. */
const boardRunner = (core: CoreBinary, accel: "interp" | "jit"): Runner => async (rom) => {
  const run = await programBoard(core, rom, "max", 64, accel);
  const end = run.run(MOST, accel === "jit" ? 500 : 100_000);
  const lines = run.output().split("\n").filter((l) => l !== "");
  return end === "exit" ? lines : [...lines, end === "reset" ? "(reset)" : "(no end)"];
};
export const runOurs = (core: CoreBinary, records: readonly Uint8Array[], accel: "interp" | "jit" = "interp") => runRecords(loadDriver(), records, boardRunner(core, accel));
