// Random system-mode cases for the fuzzer: a mode, control registers, changed bits in tables, and a few instructions that load segments, go far,
// fault, switch tasks and touch the window of pages. Left out: what would leave the case (halting in ring 0, other tables, turning paging on or
// off), results that are undefined, and code of another width than the one it was made for.

import type { Random } from "../harness/encode.ts";

export const REAL = 0;
export const PROTECTED = 1;
export const USER = 2;
export const PROTECTED_16 = 3;
export const V86 = 4;
export const LONG = 5;
export const LONG_USER = 6;
export const COMPATIBLE = 7;
export const MODE_NAMES = ["real", "protected", "user", "protected-16", "v86", "long", "long-user", "compatible"] as const;
export const CODE = 0x40000;
const WINDOW = 0x400000;

export interface SystemCase {
  readonly mode: number;
  /** 0 none, 1 32-bit, 2 PAE; in the long modes always four levels. */
  readonly paging: number;
  readonly cr0: number;
  readonly cr4: number;
  readonly flags: number;
  /** EAX ECX EDX EBX EBP ESI EDI. */
  readonly registers: readonly number[];
  /** FS GS ES DS, where the mode loads them. */
  readonly segments: readonly number[];
  /** Each part of the code, one or a few instructions; `at` is its offset in the code. */
  readonly parts: readonly Part[];
  /** [address, bits to turn over]. */
  readonly pokes: readonly (readonly [number, number])[];
}
/** Code, or code that depends on where it stands. Made once per case, so that removing others changes only targets. */
export type Part = (at: number) => number[];

export const widthOf = (mode: number): 16 | 32 | 64 => (mode === LONG || mode === LONG_USER ? 64 : mode === REAL || mode === PROTECTED_16 || mode === V86 ? 16 : 32);
export function assemble(c: SystemCase): Uint8Array {
  const code: number[] = [];
  for (const part of c.parts) code.push(...part(code.length));
  return Uint8Array.of(...code, 0xcd, 0x30);
}
const u16 = (v: number) => [v & 0xff, (v >> 8) & 0xff];
const u32 = (v: number) => [v & 0xff, (v >> 8) & 0xff, (v >> 16) & 0xff, (v >>> 24) & 0xff];

const SELECTORS = [
  0, 3, 0x08, 0x10, 0x13, 0x18, 0x1b, 0x20, 0x23, 0x28, 0x30, 0x40, 0x48, 0x58, 0x60, 0x61, 0x68, 0x6b, 0x6b, 0x70, 0x73, 0x73, 0x78, 0x7b, 0x7b, 0x80, 0x83, 0x88, 0xa0,
  0xa8, 0xab, 0xc0, 0xc3, 0xc8, 0xcb, 0xf8, 0x100, 0xfff8, 0x04, 0x07, 0x07, 0x0f, 0x14, 0x17, 0x17, 0x1c, 0x104,
];
/** Segments, or in real and virtual-8086 mode paragraphs. */
const PARAGRAPHS = [0x500, 0x600, 0x6ff, 0x5ff, 0x510];
const FAR_CODE = [0x08, 0x0b, 0x18, 0x1b, 0xa8, 0xab, 0x58, 0x0f, 0x0c, 0xc3];
const FAR_OTHER = [0, 0x10, 0x23, 0x28, 0x30, 0x48, 0x4b, 0x50, 0x80, 0x88, 0x88, 0x8b, 0x8b, 0x90, 0x93, 0x98, 0x9b, 0xa0, 0xa3, 0xc8, 0xf8, 0x100];

class Maker {
  readonly width: 16 | 32 | 64;
  /** Cases with TF have no task switch by JMP, CALL or IRET: whether its trap comes in the new task is not agreed on (README.md). */
  readonly traps: boolean;
  constructor(
    readonly rng: Random,
    readonly mode: number,
    readonly paging: number,
  ) {
    this.width = widthOf(mode);
    this.traps = rng.one(5);
  }
  get paragraphs(): boolean {
    return this.mode === REAL || this.mode === V86;
  }
  get ring0(): boolean {
    return this.mode === REAL || this.mode === PROTECTED || this.mode === PROTECTED_16 || this.mode === LONG;
  }
  selector(): number {
    if (this.paragraphs) return this.rng.pick(PARAGRAPHS);
    return this.rng.pick(SELECTORS);
  }
  /** MOV reg, imm of 32 bits whatever the width. */
  load(register: number, v: number): number[] {
    return [...(this.width === 16 ? [0x66] : []), 0xb8 | register, ...u32(v)];
  }
  /** MOV AX, imm. */
  loadWord(v: number): number[] {
    return [...(this.width === 16 ? [] : [0x66]), 0xb8, ...u16(v)];
  }
  /** A direct memory operand. */
  direct(reg: number, address: number, wide = false): number[] {
    if (this.width === 64) return [(reg << 3) | 4, 0x25, ...u32(address)];
    if (this.width === 16 && !wide) return [(reg << 3) | 6, ...u16(address)];
    return [(reg << 3) | 5, ...u32(address)];
  }
  /** An offset among the data, in 16-bit segments near their ends too. */
  offset(): number {
    const { rng } = this;
    if (this.paragraphs) return rng.pick([0x100, 0x7fe, 0xffe, 0xfff, 0x1000, 0xfffd, 0xfffe, 0xffff, rng.below(0x1000)]);
    return rng.pick([0x5000, 0x5ffe, 0x5fff, 0x6100, 0x6ff8, 0x5000 + rng.below(0x1ff0)]);
  }
  /** Near the limits of the small segments at 5000. */
  limited(): number {
    return this.rng.pick([0, 0xf, 0x10, 0xe, 0xfff, 0xffe, 0xffd, 0xffc, 0x1000, 0x1001, 0x1100, 0xffff, 0x7ff]);
  }
  word(): number {
    return this.rng.pick([0, 1, 0xffffffff, 0x80000000, 0x5a5a5a5a, 0x1234, this.rng.next()]);
  }
}
type Form = (m: Maker) => Part | null;
const fixed = (code: readonly number[]): Part => () => [...code];

const MOVES: readonly (readonly number[])[] = [[0x8b], [0x89], [0x01], [0x8a], [0x88], [0x87], [0xff], [0x29], [0x39], [0x0f, 0xb7]];
const SEGMENT_PREFIX = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];

const arithmetic: Form = ({ rng, width }) => {
  const op = rng.pick([0x01, 0x29, 0x11, 0x19, 0x39, 0x89, 0x87]);
  const size = rng.one(3) ? [0x66] : width === 64 && rng.one(2) ? [0x48] : [];
  const regs = [0, 1, 2, 3, 5, 6, 7];
  return fixed([...size, op, 0xc0 | (rng.pick(regs) << 3) | rng.pick(regs)]);
};
const loadSegment: Form = (m) => {
  const s = m.rng.pick([0, 3, 4, 5, 0, 3, 4, 5, 2]);
  return fixed([...m.loadWord(m.selector()), 0x8e, 0xc0 | (s << 3)]);
};
const popSegment: Form = (m) => {
  const sel = m.selector();
  const pop = m.rng.pick(m.width === 64 ? [[0x0f, 0xa1], [0x0f, 0xa9]] : [[0x07], [0x1f], [0x0f, 0xa1], [0x0f, 0xa9], [0x17]]);
  return fixed([0x68, ...(m.width === 16 ? u16(sel) : u32(sel)), ...pop]);
};
const storeSegment: Form = (m) => fixed([...(m.rng.one(2) ? [0x66] : []), 0x8c, 0xc0 | (m.rng.below(6) << 3) | m.rng.pick([0, 1, 2, 3])]);
/** LES, LDS, LSS, LFS, LGS from a pointer put into memory. */
const farPointer: Form = (m) => {
  const at = m.paragraphs ? 0x200 : 0x5200;
  const op = m.rng.pick(m.width === 64 ? [[0x0f, 0xb2], [0x0f, 0xb4], [0x0f, 0xb5]] : [[0xc4], [0xc5], [0x0f, 0xb2], [0x0f, 0xb4], [0x0f, 0xb5]]);
  const sel = m.selector();
  const store = (reg: number, address: number) => [...(m.width === 16 ? [0x66] : []), 0x89, ...m.direct(reg, address)];
  return fixed([...m.load(0, m.word()), ...store(0, at), ...m.load(0, sel), ...store(0, at + (m.width === 16 ? 2 : 4)), ...op, ...m.direct(2, at)]);
};
/** Task-state segments and the task gate. */
const TASKS = [0x28, 0x48, 0x50, 0xa0];
function farTarget(m: Maker): number {
  for (;;) {
    const sel = anyTarget(m);
    if (!m.traps || m.width === 64 || !TASKS.includes(sel & ~7)) return sel;
  }
}
function anyTarget(m: Maker): number {
  if (m.paragraphs) return CODE >> 4;
  if (m.width === 64) return m.rng.pick([0x48, 0x53, 0x4b, 0x88, 0x8b, 0x10, 0, 0x28, 0x30, 0xa0, 0xf8, 0x100, 0x80]);
  if (m.mode === PROTECTED_16) return m.rng.pick([0x38, 0x38, 0x3b, 0x10, 0x28, 0x48, 0x88, 0x98, 0xa0, 0, 0x100]);
  return m.rng.pick(m.rng.one(2) ? FAR_CODE : FAR_OTHER);
}
/** JMP or CALL far to what stands behind it. */
const farDirect: Form = (m) => {
  if (m.width === 64) return null;
  const op = m.rng.one(2) ? 0xea : 0x9a;
  const sel = farTarget(m);
  const wrong = m.rng.one(12);
  return (at) => {
    const length = m.width === 16 ? 5 : 7;
    const next = at + length + (m.width === 16 ? 0 : CODE);
    const offset = wrong ? 0xfffffff0 : next;
    return [op, ...(m.width === 16 ? u16(offset) : u32(offset)), ...u16(sel)];
  };
};
/** The same through memory. */
const farIndirect: Form = (m) => {
  const place = m.paragraphs ? 0x200 : 0x5200;
  const sel = farTarget(m);
  const digit = m.rng.one(2) ? 5 : 3;
  const store = (address: number) => [...(m.width === 16 ? [0x66] : []), 0x89, ...m.direct(0, address)];
  return (at) => {
    const code = (next: number) => [...m.load(0, next), ...store(place), ...m.load(0, sel), ...store(place + (m.width === 16 ? 2 : 4)), 0xff, ...m.direct(digit, place)];
    return code(at + code(0).length + (m.width === 16 ? 0 : CODE));
  };
};
const software: Form = ({ rng }) => fixed(rng.pick([[0xcc], [0xce], ...[0x30, 0x31, 0x33, 0x35, 0x35, 0x36, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x3f, 0x40, 0xff, 0, 1, 4, 13, 14].map((n) => [0xcd, n])]));
const flagBits = ({ rng, traps }: Maker) => 2 | (rng.next() & 0x8d5) | (rng.one(4) ? 0x200 : 0) | (rng.one(6) ? 0x400 : 0) | (rng.one(4) ? rng.below(4) << 12 : 0) | (!traps && rng.one(8) ? 0x4000 : 0) | (rng.one(10) ? 0x10000 : 0) | (rng.one(6) ? 0x40000 : 0) | (rng.one(8) ? 0x200000 : 0) | (traps && rng.one(3) ? 0x100 : 0);
const pushWord = (m: Maker, v: number) => [0x68, ...(m.width === 16 ? u16(v) : u32(v))];
/** IRET to what stands behind it, in this ring, an outer one, V86 or 64-bit code. */
const interruptReturn: Form = (m) => {
  const { rng } = m;
  const flags = flagBits(m);
  const outer = rng.one(2);
  const stack = outer || m.width === 64 ? [pushWord(m, m.width === 64 ? rng.pick([0x23, 0x23, 0, 0x10, 0x20, 0x4b]) : rng.pick([0x23, 0x23, 0x23, 0x61, 0x10, 0x73, 0])), pushWord(m, 0x8f80)].flat() : [];
  const own = m.paragraphs ? CODE >> 4 : m.width === 64 ? (m.mode === LONG ? 0x48 : 0x53) : m.mode === PROTECTED_16 ? 0x38 : m.mode === PROTECTED ? 0x08 : 0x1b;
  const cs = m.paragraphs ? own : outer && m.width !== 16 ? rng.pick(m.width === 64 ? [0x53, 0x53, 0x53, 0x48, 0x10] : [0x1b, 0x1b, 0x1b, 0x59, 0x08, 0xab, 0x23, 0]) : own;
  const back = m.width === 64 ? [0x48, 0xcf] : [0xcf];
  return (at) => {
    const code = (next: number) => [...stack, ...pushWord(m, flags), ...pushWord(m, cs), ...pushWord(m, next), ...back];
    // With RF an instruction that ends it: what INT n as the first one stores is not agreed on.
    return [...code(at + code(0).length + (m.width === 16 ? 0 : CODE)), ...(flags & 0x10000 ? [0x90] : [])];
  };
};
const farReturn: Form = (m) => {
  const sel = m.paragraphs ? CODE >> 4 : m.rng.one(3) ? farTarget(m) : m.width === 64 ? (m.mode === LONG ? 0x48 : 0x53) : m.mode === PROTECTED_16 ? 0x38 : m.mode === PROTECTED ? m.rng.pick([0x08, 0x1b]) : 0x1b;
  const stack = m.rng.one(2) ? [...pushWord(m, 0x23), ...pushWord(m, 0x8f80)] : [];
  const back = [...(m.width === 64 ? [0x48] : []), ...(m.rng.one(3) ? [0xca, 8, 0] : [0xcb])];
  return (at) => {
    const code = (next: number) => [...stack, ...pushWord(m, sel), ...pushWord(m, next), ...back];
    return code(at + code(0).length + (m.width === 16 ? 0 : CODE));
  };
};
const access: Form = (m) => {
  const { rng } = m;
  const op = rng.pick(MOVES);
  const prefix = rng.one(2) ? [rng.pick(SEGMENT_PREFIX)] : [];
  const small = prefix.length > 0 && m.width !== 64 && !m.paragraphs && rng.one(2);
  const size = rng.one(3) ? [0x66] : m.width === 64 && rng.one(3) ? [0x48] : [];
  const address = small ? m.limited() : m.offset();
  return fixed([...prefix, ...size, ...op, ...m.direct(op[0] === 0xff ? 0 : rng.pick([0, 1, 2, 3]), address)]);
};
/** A load of a small segment, and an access near its limit. */
const limitAccess: Form = (m) => {
  if (m.width === 64) return null;
  const { rng } = m;
  const s = rng.pick([0, 4, 5, 3]);
  const sel = m.paragraphs ? rng.pick(PARAGRAPHS) : rng.pick([0x6b, 0x73, 0x73, 0x7b, 0x7b, 0x17, 0xcb, 0x70, 0xc8, 0x83, 0]);
  const op = rng.pick(MOVES);
  const size = rng.one(3) ? [0x66] : [];
  return fixed([...m.loadWord(sel), 0x8e, 0xc0 | (s << 3), SEGMENT_PREFIX[s] as number, ...size, ...op, ...m.direct(op[0] === 0xff ? 0 : rng.pick([1, 2, 3]), m.limited())]);
};
const windowAddress = (rng: Random) => WINDOW + rng.below(17) * 0x1000 + rng.pick([0, 0x10, 0xffe, 0xfff, 0xffc, rng.below(0xff0)]);
/** An access to a page whose entry may have been changed. */
const paged: Form = (m) => {
  const { rng } = m;
  if (m.paging === 0 || m.paragraphs) return null;
  const op = rng.pick(MOVES);
  const size = rng.one(3) ? [0x66] : m.width === 64 && rng.one(3) ? [0x48] : [];
  return fixed([...(m.width === 16 ? [0x67] : []), ...size, ...op, ...m.direct(op[0] === 0xff ? 0 : rng.pick([0, 1, 2, 3]), windowAddress(rng), true)]);
};
const strings: Form = (m) => {
  const { rng } = m;
  if (m.paging === 0 || m.width === 16) return null;
  const element = rng.pick([0xa4, 0xa5, 0xaa, 0xab, 0xa6, 0xa7, 0xac, 0xae]);
  const near = () => (rng.one(3) ? m.offset() : windowAddress(rng));
  return fixed([...m.load(1, rng.below(9)), ...m.load(6, near()), ...m.load(7, near()), ...(rng.one(3) ? [] : [rng.one(3) ? 0xf2 : 0xf3]), element]);
};
const invalidate: Form = (m) => {
  if (m.paging === 0 || m.width === 16) return null;
  return fixed([0x0f, 0x01, ...m.direct(7, windowAddress(m.rng))]);
};
/** PTE of a window page changed by the case itself, with or without INVLPG behind it, then used. */
const remap: Form = (m) => {
  const { rng } = m;
  if (m.paging === 0 || m.width === 16) return null;
  const page = rng.below(16);
  const entry = 0xc000 + page * (m.paging === 1 ? 4 : 8);
  const bit = rng.pick([1, 2, 4, 2, 4, 0x40, 0x20]);
  // A changed entry counts after INVLPG or a reload of CR3; before, either is right.
  const flush = rng.one(2) ? [0x0f, 0x01, ...m.direct(7, WINDOW + page * 0x1000)] : [0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8];
  return fixed([0x83, ...m.direct(6, entry), bit, ...flush, 0x8b, ...m.direct(1, WINDOW + page * 0x1000 + rng.below(0xf00)), ...(rng.one(2) ? [0x89, ...m.direct(1, WINDOW + page * 0x1000 + 8)] : [])]);
};
const stack: Form = (m) => {
  const { rng } = m;
  return fixed(rng.pick([[0x50], [0x58], [0x9c], [0x6a, 0x80], [0xc8, 8, 0, 1], [0xc8, 16, 0, 0], [0xc9], [0xff, 0x30 | rng.pick([6, 7])], ...(m.width === 64 ? [] : [[0x60], [0x61], [0x06], [0x16], [0x0e]])]));
};
/** The stack pointer at an edge, then a push or a pop. */
const stackEdge: Form = (m) => {
  const { rng } = m;
  const at = rng.pick([...(m.paging || m.width === 16 ? [0, 1, 2, 3] : []), 0x6ffe, 0x6002, 0x7000, ...(m.width === 16 ? [0xffff, 0xfffe] : []), ...(m.paging && m.width !== 16 ? [WINDOW + 0x1002, WINDOW + rng.below(16) * 0x1000 + 2] : [])]);
  return fixed([...m.load(4, at), ...rng.pick([[0x50], [0x9c], [0x58], [0x6a, 1]])]);
};
const popFlags: Form = (m) => fixed([...pushWord(m, flagBits(m)), 0x9d]);
const verify: Form = (m) => {
  if (m.paragraphs) return m.rng.one(4) ? fixed([0x0f, 0x00, 0xe0]) : null;
  const { rng } = m;
  const put = m.loadWord(m.selector());
  const instruction = rng.pick([
    [0x0f, 0x02, 0xc8, ...m.load(1, 0)], [0x0f, 0x03, 0xc8], [0x0f, 0x00, 0xe0], [0x0f, 0x00, 0xe8], [0x0f, 0x00, 0xd0], [0x0f, 0x00, 0xd8], [0x0f, 0x00, 0xc0], [0x0f, 0x00, 0xc8], ...(m.width === 64 ? [] : [[0x63, 0xc8]]),
  ]);
  return fixed([...put, ...instruction]);
};
const control: Form = (m) => {
  const { rng } = m;
  const change = (register: number, bit: number) => [0x0f, 0x20, 0xc0 | (register << 3), ...(m.width === 16 ? [0x66] : []), 0x35, ...u32(2 ** bit), 0x0f, 0x22, 0xc0 | (register << 3)];
  return fixed(
    rng.pick([
      change(0, rng.pick([1, 2, 3, 5, 16, 18, 29, 3, 16])),
      change(4, rng.pick([2, 3, 7, 8, 9, 10, 11, 15, 2])),
      [0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8],
      [...m.load(0, m.word()), 0x0f, 0x22, 0xd0],
      [0x0f, 0x20, 0xd1],
      [0x0f, 0x06],
      [0x0f, 0x01, 0xe1],
      [...m.loadWord(rng.pick([0x1, 0x9, 0x3, 0xb])), 0x0f, 0x01, 0xf0],
      [0x0f, 0x22, 0xe8],
      ...(m.width === 64 ? [[...m.load(0, rng.pick([0, 3, 15, 16])), 0x44, 0x0f, 0x22, 0xc0], [0x44, 0x0f, 0x20, 0xc1]] : []),
    ]),
  );
};
const debug: Form = (m) => {
  const { rng } = m;
  const put = (register: number, v: number) => [...m.load(0, v), 0x0f, 0x23, 0xc0 | (register << 3)];
  const data = m.paragraphs ? 0x5000 + m.offset() : m.offset();
  const length = rng.pick([0, 1, 3]);
  const kind = rng.pick([1, 3, 3]);
  const aligned = data & ~length;
  return fixed(
    rng.pick([
      [...put(0, aligned), ...put(7, 0x400 | 1 | (kind << 16) | (length << 18))],
      put(6, rng.pick([0, 0xffffffff, 0xf])),
      put(rng.pick([1, 2, 3]), m.word()),
      [0x0f, 0x21, 0xc0 | (rng.pick([0, 6, 7, 4, 5]) << 3) | 1],
      put(7, rng.pick([0, 0xdfff, 0x700])),
    ]),
  );
};
const msr: Form = (m) => {
  const { rng } = m;
  const number = rng.pick([0x174, 0x277, 0xc0000080, 0xc0000081, 0xc0000084, 0xc0000100, 0xc0000102, 0xc0000103, 0x10000, 0x175]);
  const low = number === 0xc0000080 ? rng.pick([0xd01, 0x501, 0x2, 0x100, 0x901]) : number === 0x277 ? rng.pick([0x00070406, 0x00070402, 0x08070406]) : rng.pick([0, 0x8, 0x1000, rng.next()]);
  if (number === 0xc0000080 && m.width !== 64) return null;
  const high = rng.pick([0, 0, 0, 0x00007fff, 0xffff8000, 0x8000, 0x1]);
  const write = [...m.load(1, number), ...m.load(0, low), ...m.load(2, [0x174, 0x175, 0xc0000080, 0xc0000103].includes(number) ? 0 : high), 0x0f, 0x30];
  // Most of them outlive a case: written before they are read, but for those that the driver sets for 64-bit mode.
  return fixed(m.width === 64 && rng.one(3) && number >= 0xc0000081 && number <= 0xc0000103 ? [...m.load(1, number), 0x0f, 0x32] : [...write, ...(number === 0xc0000080 ? [] : [0x0f, 0x32])]);
};
const privileged: Form = (m) => {
  const { rng } = m;
  const place = m.paragraphs ? 0x300 : 0x5300;
  return fixed(
    rng.pick([
      [0xfa], [0xfb], [0xfb, 0x90], [0x0f, 0x01, ...m.direct(0, place)], [0x0f, 0x01, ...m.direct(1, place)], [0x0f, 0x09], [0x0f, 0x08], [0xe6, 0x80], [0xe4, 0x2c], [0xe6, 0x2c], [0x0f, 0x01, 0xd0], [0x0f, 0x01, 0xca],
      ...(m.ring0 ? [] : [[0xf4], [0x0f, 0x01, 0x16], [0x0f, 0x00, 0xd8]]),
      ...(m.width === 64 ? [[0x0f, 0x01, 0xf8], [0x0f, 0x05], [0x0f, 0x34], [0x48, 0x0f, 0x35]] : []),
    ]),
  );
};
const odd: Form = (m) => {
  const { rng } = m;
  const place = m.paragraphs ? 0x400 + rng.below(16) : 0x5400 + rng.below(16);
  return fixed(
    rng.pick([
      [0x0f, 0x0b], [0xf0, 0x01, 0xc0], [0xf0, 0x01, ...m.direct(0, place)], [0xf0, 0x8b, ...m.direct(0, place)], [0xf0, 0x0f, 0xb1, ...m.direct(1, place)], [0xd9, 0xe8], [0xd8, ...m.direct(0, place)], [0x9b], [0x0f, 0x77],
      [0x0f, 0x28, ...m.direct(0, place)], [0x0f, 0x29, ...m.direct(0, place & ~15)], [0x0f, 0xae, ...m.direct(2, 0x5ff0)], [0x0f, 0xae, ...m.direct(0, place)], [0xf1], [0x0f, 0xff, 0xc0], [0x0f, 0x04],
      ...(m.width === 64 ? [[0xc4, 0xc1, 0x7c, 0x58, 0xc1], [0x06], [0x60], [0xce], [0xea]] : [[0x62, ...m.direct(0, place)], [0xd5, 10]]),
      new Array<number>(rng.pick([13, 14, 15])).fill(0x3e).concat([0x90]),
    ]),
  );
};
const WEIGHTED: readonly (readonly [Form, number])[] = [
  [arithmetic, 3], [loadSegment, 5], [popSegment, 3], [storeSegment, 1], [farPointer, 2], [farDirect, 5], [farIndirect, 3], [software, 4], [interruptReturn, 5], [farReturn, 4], [access, 4], [limitAccess, 6],
  [paged, 10], [strings, 4], [invalidate, 1], [remap, 4], [stack, 3], [stackEdge, 2], [popFlags, 3], [verify, 4], [control, 3], [debug, 3], [msr, 2], [privileged, 3], [odd, 3],
];
const TOTAL = WEIGHTED.reduce((n, [, w]) => n + w, 0);

/** What the forms leave out for one oracle's sake or another's is named in README.md. */
function pokes(rng: Random, mode: number, paging: number): [number, number][] {
  const out: [number, number][] = [];
  const bit = (from: number, to: number) => 1 << (from + rng.below(to - from));
  const wide = paging !== 1;
  for (let n = rng.pick([0, 0, 1, 1, 2, 3]); n > 0; n--) {
    const how = rng.below(10);
    if (how < 3 && mode !== REAL && mode !== V86) {
      // A descriptor: its type, level, presence, or limit.
      const sel = rng.pick([0x58, 0x60, 0x68, 0x70, 0x78, 0x80, 0xa8, 0xc0, 0xc8, ...(mode < LONG ? [0x88, 0x90, 0x98, 0xa0, 0x48] : [0x88])]);
      out.push([0x2004 + sel, rng.one(4) ? rng.pick([0x100000, 0x400000, 0x800000]) & (sel >= 0x88 && sel <= 0xa0 ? 0 : -1) : 1 << rng.pick([8, 9, 10, 11, 12, 13, 14, 15])]);
    } else if (how === 3 && mode !== REAL) {
      const vector = rng.pick([0x30, 0x31, 0x33, 0x35, 0x36, 0x37, 0x38, 3, 6, 10, 11, 12, 13, 14]);
      out.push([0x1004 + vector * (mode >= LONG ? 16 : 8), 1 << rng.pick([8, 9, 10, ...(mode >= LONG ? [11] : []), 13, 14, 15])]);
    } else if (how === 4 && mode !== REAL && mode < LONG) {
      out.push(rng.pick([[0x4008, bit(0, 8)], [0x4004, 0x2000 + bit(0, 12)], [0x4064, 1], [0x4264, 1], [0x4224, bit(8, 18)], [0x4254, bit(0, 8)], [0x4260, 0x30], [0x406c, bit(0, 32)]]));
    } else if (paging) {
      const size = wide ? 8 : 4;
      const page = rng.below(16);
      const entry = 0xc000 + page * size;
      const which = rng.below(8);
      if (which === 0) out.push([wide ? 0xe010 : 0xa004, bit(0, 3)]);
      else if (which === 1) out.push([0xb000 + rng.pick([5, 6, 8, 0x40]) * size, bit(0, 3)]);
      else if (wide && rng.one(3)) out.push([entry + 4, rng.pick([0x80000000, 0x80000000, 0x80000])]);
      else out.push([entry, rng.pick([1, 2, 4, 2, 4, 6, 0x20, 0x40, 0x100])]);
    }
  }
  return out.filter(([, bits]) => bits !== 0);
}
export function systemCase(rng: Random, longest: number): SystemCase {
  const mode = rng.pick([REAL, PROTECTED, PROTECTED, PROTECTED, USER, USER, USER, PROTECTED_16, V86, LONG, LONG, LONG_USER, LONG_USER, COMPATIBLE]);
  const paging = mode === REAL ? 0 : mode >= LONG ? 3 : rng.below(3);
  const m = new Maker(rng, mode, paging);
  const parts: Part[] = [];
  const wanted = 1 + rng.below(longest);
  for (let tries = 0; parts.length < wanted && tries < 50; tries++) {
    let n = rng.below(TOTAL);
    const form = (WEIGHTED.find(([, w]) => (n -= w) < 0) as (typeof WEIGHTED)[0])[0];
    const part = form(m);
    if (part) parts.push(part);
  }
  const paged32 = paging === 1 || paging === 2;
  const cr0 = 0x11 | (paged32 ? 0x80000000 : 0) | (rng.one(2) ? 0x10000 : 0) | (!paging && rng.one(3) ? 0x40000 : 0) | (rng.one(8) ? 8 : 0) | (rng.one(10) ? 4 : 0) | (rng.one(2) ? 0x20 : 0);
  const cr4 = (paging === 2 ? 0x20 : 0) | (rng.one(3) ? 0x600 : 0) | (rng.one(3) ? 0x80 : 0) | (rng.one(4) ? 8 : 0) | (rng.one(4) ? 4 : 0) | (rng.one(5) ? 0x800 : 0);
  const flags = 2 | (rng.next() & 0x8d5) | (rng.one(4) ? 0x200 : 0) | (rng.one(3) ? 0x3000 : rng.below(4) << 12) | (!m.traps && rng.one(10) ? 0x4000 : 0) | (rng.one(5) ? 0x40000 : 0) | (m.traps && rng.one(5) ? 0x100 : 0);
  const ring3 = mode === USER || mode === COMPATIBLE;
  const data = mode === COMPATIBLE ? [0x23, 0x23, 0x73, 0] : ring3 ? [0x23, 0x23, 0x23, 0x73, 0x17, 0] : [0x10, 0x10, 0x23, 0x70, 0x1c];
  const segments = mode === REAL || mode === V86 || mode === LONG || mode === LONG_USER ? [0, 0, 0, 0] : [rng.pick(data), rng.pick(data), rng.pick([data[0] as number, rng.pick(data)]), rng.pick(ring3 ? [0x23] : [0x10])];
  return {
    mode,
    paging,
    cr0: cr0 >>> 0,
    cr4,
    flags: mode === REAL ? flags & 0x7fff & ~0x4000 : flags,
    // LEAVE takes EBP: not to the top of the address space, where the ROM lies, nor to where far returns wrap (README.md).
    registers: Array.from({ length: 7 }, (_, i) => (i === 4 ? rng.pick([0x7f00, 0x6ff0, 0x1234, 0x5a5a5a5a, 0x8002]) : m.word())),
    segments,
    parts,
    // What the driver itself loads stays whole: its own fault would show where the record lies.
    pokes: pokes(rng, mode, paging).filter(([at]) => !segments.some((s) => at === 0x2004 + (s & ~7))),
  };
}
