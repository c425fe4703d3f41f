// The finder of Linux's own symbols on tables made here as linux/scripts/kallsyms.c writes them, in both orders. The real kernel's are compared with
// /proc/kallsyms in e2e/inspector.browser.test.ts.

import { expect, test } from "vitest";
import { kallsyms, NARROW } from "./kallsyms.ts";
import { Symbols } from "./symbols.ts";

const BASE = 0xffffffff81000000n;
const BASE32 = 0xc1000000n;
/** `sequence`: as from 6.2 on, three bytes for each name before the tokens. `late`: as from 6.4 on, offsets behind them. */
function made(late: boolean, sequence = late, word: 4 | 8 = 8): { readonly bytes: Uint8Array; readonly names: readonly string[] } {
  // Tokens: single characters where they are used, a few longer ones where no character is.
  const texts = Array.from({ length: 256 }, (_, n) => (n > 0x20 && n < 0x7f ? String.fromCharCode(n) : ""));
  texts[0x01] = "sys_";
  texts[0xf0] = "do_";
  const names = Array.from({ length: 700 }, (_, n) => (n % 3 ? `do_thing${n}` : `sys_call${n}`));
  const out: number[] = new Array<number>(4096).fill(0xcc);
  const pad = (to: number) => {
    while (out.length % to) out.push(0);
  };
  const u32 = (v: number) => out.push(v & 255, (v >>> 8) & 255, (v >>> 16) & 255, (v >>> 24) & 255);
  const offsets = () => {
    pad(word);
    // Per-processor symbols and signs are x86-64's.
    for (let n = 0; n < names.length; n++) u32(word === 4 ? n * 16 : n === 0 ? 0x40 : -1 - n * 16);
    pad(word);
    const base = word === 4 ? BASE32 : BASE;
    for (let k = 0; k < word; k++) out.push(Number((base >> (8n * BigInt(k))) & 255n));
  };
  if (!late) offsets();
  pad(word);
  u32(names.length);
  pad(word);
  const markers: number[] = [];
  const start = out.length;
  names.forEach((name, n) => {
    if (n % 256 === 0) markers.push(out.length - start);
    const coded = ["T".charCodeAt(0), ...(name.startsWith("do_") ? [0xf0] : [0x01]), ...[...name.replace(/^(do|sys)_/, "")].map((c) => c.charCodeAt(0))];
    out.push(coded.length, ...coded);
  });
  pad(word);
  for (const m of markers) u32(m);
  pad(word);
  if (sequence) for (let n = 0; n < names.length; n++) out.push(0, n >> 8, n & 255);
  pad(word);
  const table = out.length;
  const index: number[] = [];
  for (const text of texts) {
    index.push(out.length - table);
    out.push(...[...text].map((c) => c.charCodeAt(0)), 0);
  }
  pad(word);
  for (const i of index) out.push(i & 255, i >> 8);
  if (late) offsets();
  pad(4096);
  return { bytes: Uint8Array.from(out), names };
}
test.each([[false, false], [false, true], [true, true]])("names and addresses of a kernel (offsets behind: %s, sequence: %s)", (late, sequence) => {
  const { bytes, names } = made(late, sequence);
  const found = kallsyms(bytes);
  // The first one is per processor: no address.
  expect(found).toHaveLength(names.length - 1);
  expect(found[0]).toEqual([BASE + 16n, "do_thing1"]);
  expect(found.at(-1)).toEqual([BASE + 699n * 16n, "sys_call699"]);
  const symbols = new Symbols();
  symbols.set(found, "Linux");
  expect(symbols.at(BASE + 35n)).toEqual({ name: "do_thing2", offset: 3 });
  expect(symbols.address("sys_call300")).toBe(BASE + 4800n);
  expect(symbols.at(0x1000n)).toBe(null);
});
test.each([[false, false], [false, true], [true, true]])("words of four bytes, as 32-bit kernels write them (offsets behind: %s, sequence: %s)", (late, sequence) => {
  const { bytes, names } = made(late, sequence, 4);
  const found = kallsyms(bytes, NARROW);
  expect(found).toHaveLength(names.length);
  expect(found[0]).toEqual([BASE32, "sys_call0"]);
  expect(found.at(-1)).toEqual([BASE32 + 699n * 16n, "sys_call699"]);
  // A table of the other width is not taken for one.
  expect(() => kallsyms(bytes)).toThrow("No Linux");
});
test("bytes without a table are refused", () => {
  expect(() => kallsyms(new Uint8Array(8192))).toThrow("No Linux");
  // The table is found by its digits, and checked against the index behind it.
  const spoiled = made(false).bytes.map((b) => (b === 0x35 ? 0x36 : b));
  expect(() => kallsyms(spoiled)).toThrow("No Linux");
});
