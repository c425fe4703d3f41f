// REP SCAS and REP CMPS work on runs of memory at a time (core/strings.ts), single ones do not end a region (jit/region.ts). Here they are held
// against the definition, element by element (Intel SDM 2, REP; SCAS; CMPS): registers and flags, over page boundaries, in both directions, interpreted and translated.

import { expect, test } from "vitest";
import { coreBinary } from "../harness/core-wasm.ts";
import { programBoard } from "./program.ts";

// A ROM that enters flat 32-bit mode: cli; mov ds, F000; A20 on through port 92; lgdt [38h]; PE on; jmp far 8:10000h; then the GDT and its pointer.
const ENTRY = Buffer.from("fab800f08ed8b002e6920f011638000f20c00c010f22c066ea000001000800900000000000000000ffff0000009bcf00ffff00000093cf00170020000f00", "hex");
const CODE = 0x10000;
const LEFT = 0x40000;
const RIGHT = 0x50000;
const RESULTS = 0x60000;
const LENGTH = 3 * 4096;

let seed = 2463534242;
const random = (below: number) => {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return (seed >>> 0) % below;
};
interface Case {
  readonly compare: boolean;
  readonly size: 1 | 2 | 4;
  /** REPE, otherwise REPNE. */
  readonly equal: boolean;
  readonly down: boolean;
  readonly rep: boolean;
  readonly a: number;
  readonly count: number;
  readonly si: number;
  readonly di: number;
}
const left = new Uint8Array(LENGTH).fill(1);
const right = new Uint8Array(LENGTH).fill(1);
for (let n = 0; n < 12; n++) {
  left[random(LENGTH)] = random(256);
  right[random(LENGTH)] = random(256);
}
// The last page differs everywhere but in a few places.
for (let n = 8192; n < LENGTH; n++) right[n] = random(300) ? 0xf0 + (n & 7) : 1;

function cases(): Case[] {
  const all: Case[] = [];
  for (let n = 0; n < 400; n++) {
    const size = ([1, 2, 4] as const)[random(3)] as 1 | 2 | 4;
    const count = 1 + random(random(2) ? 40 : 9000 / size);
    const down = random(4) === 0;
    const room = LENGTH - count * size;
    const at = () => (down ? count * size - size : 0) + random(room);
    all.push({ compare: random(2) === 0, size, equal: random(2) === 0, down, rep: random(5) !== 0, a: random(3) ? 0x01010101 : random(2 ** 32), count, si: LEFT + at(), di: (random(2) ? LEFT : RIGHT) + at() });
  }
  return all;
}
function program(all: readonly Case[]): Uint8Array {
  const out: number[] = [];
  const u32 = (v: number) => out.push(v & 255, (v >>> 8) & 255, (v >>> 16) & 255, v >>> 24);
  // mov ax, 10h; mov ds, ax; mov es, ax; mov ss, ax; mov esp, 90000h
  out.push(0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, 0, 0, 9, 0);
  all.forEach((c, n) => {
    for (const [opcode, value] of [[0xb9, c.count], [0xbe, c.si], [0xbf, c.di], [0xb8, c.a]] as const) {
      out.push(opcode);
      u32(value);
    }
    out.push(c.down ? 0xfd : 0xfc);
    if (c.rep) out.push(c.equal ? 0xf3 : 0xf2);
    if (c.size === 2) out.push(0x66);
    out.push((c.compare ? 0xa6 : 0xae) + (c.size === 1 ? 0 : 1));
    // pushfd; pop [..]; mov [..], ecx; esi; edi
    out.push(0x9c, 0x8f, 0x05);
    u32(RESULTS + n * 16);
    [0x0d, 0x35, 0x3d].forEach((modrm, k) => {
      out.push(0x89, modrm);
      u32(RESULTS + n * 16 + 4 + k * 4);
    });
  });
  // inc dword [..]; jmp to the start
  out.push(0xff, 0x05);
  u32(RESULTS - 4);
  out.push(0xe9);
  u32(-(out.length + 4));
  return Uint8Array.from(out);
}
/** Flags and registers as the manual defines them. */
function expected(c: Case): number[] {
  const bits = c.size * 8;
  const mask = 2 ** bits - 1;
  const read = (address: number) => {
    const page = address >= RIGHT ? right : left;
    let v = 0;
    for (let k = c.size - 1; k >= 0; k--) v = v * 256 + (page[(address & 0xffff) + k] as number);
    return v;
  };
  let { count, si, di } = c;
  const step = c.down ? -c.size : c.size;
  let x = 0;
  let y = 0;
  do {
    x = c.compare ? read(si) : c.a % (mask + 1);
    y = read(di);
    if (c.compare) si += step;
    di += step;
    if (c.rep) count--;
  } while (c.rep && count > 0 && (x === y) === c.equal);
  const r = x >= y ? x - y : x - y + mask + 1;
  const top = (v: number) => Math.floor(v / 2 ** (bits - 1)) & 1;
  let parity = 1;
  for (let k = 0; k < 8; k++) parity ^= (r >>> k) & 1;
  const overflow = top(x) !== top(y) && top(r) !== top(x) ? 1 : 0;
  const flags = (x < y ? 1 : 0) | (parity << 2) | (((x & 15) < (y & 15) ? 1 : 0) << 4) | ((x === y ? 1 : 0) << 6) | (top(r) << 7) | (overflow << 11);
  return [flags, count, si, di];
}

for (const accel of ["interp", "jit"] as const)
  test(accel, async () => {
    const rom = new Uint8Array(65536);
    rom.set(ENTRY);
    // jmp far F000:0000
    rom.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0);
    const all = cases();
    const { memory, run, cpu } = await programBoard(coreBinary(), rom, "max", 16, accel);
    memory.write(CODE, program(all));
    memory.write(LEFT, left);
    memory.write(RIGHT, right);
    // Several rounds, so that the translator has its turn.
    memory.write(RESULTS - 4, new Uint8Array(4 + all.length * 16));
    run(60_000, 500);
    const got = new Uint8Array(4 + all.length * 16);
    memory.read(RESULTS - 4, got);
    const view = new DataView(got.buffer);
    expect(view.getUint32(0, true)).toBeGreaterThan(3);
    all.forEach((c, n) => {
      const [flags = 0, ...registers] = [4, 8, 12, 16].map((k) => view.getUint32(n * 16 + k, true));
      expect([flags & 0x8d5, ...registers], JSON.stringify(c)).toEqual(expected(c));
    });
    if (accel === "jit") expect(cpu.translator?.stats.live).toBeGreaterThan(0);
  });
