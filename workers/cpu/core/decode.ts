// Bytes to records. The tables come from workers/cpu/isa (written to DECODE_BASE by the host): opcode maps lead to a row or to a
// group by ModRM; a row says how to fill the record and which handler runs. Intel SDM 2A chapter 2. VEX: 2.3. Left out: EVEX, XOP.

import { publish, reserve } from "./blocks";
import { GP, raise, raiseCode, UD } from "./fault";
import { bug, missing } from "./host";
import { emit, signed, tracing } from "./watch";
import {
  BLOCK_COUNT, BLOCK_HEADER_SIZE, BLOCK_HITS, BLOCK_HOST, BLOCK_INTERPRETED, STRADDLE_BASE, STRADDLE_ENTRIES, STRADDLE_SIZE, BLOCK_LENGTH, BLOCK_SPAN, DECODE_BASE, FUSE_ALONE, FUSE_FIRST, FUSE_FUNCTIONS, FUSE_PAIRS, FUSE_SECOND, PREFIX_LOCK, PREFIX_OPSIZE, PREFIX_REP, PREFIX_REPNE, PREFIX_REX,
  PREFIX_REX_W, PREFIX_SEG, REC_ADDR_SHIFT, REC_BASE, REC_DISP, REC_END, REC_FORM, REC_HANDLER, REC_IMM, REC_INDEX, REC_PREFIX, REC_R0,
  REC_R1, REC_R2, REC_SCALE, REC_SEG, REC_SIZE, REC_START, SCRATCH_BASE, TRACE_DECODE, ZERO_SLOT, BLOCK_IP, FEATURES,
} from "./layout";
import { blockMode, codeSize } from "./mode";
import { executableHost } from "./mmu";
import { endHandlerIndex } from "./run";
import { vcpu } from "./state";

// Table offsets inside the DECODE region; isa/tables.ts writes the same ones.
export const MAPS: u32 = DECODE_BASE; // 4 maps x 4 prefixes x 256 x u16; the same for legacy modes at +0x2000
export const GROUPS: u32 = DECODE_BASE + 0x4000; // 72 x u16 each
export const ROWS: u32 = DECODE_BASE + 0x1c000; // 32 bytes each
export const HANDLERS: u32 = DECODE_BASE + 0x40000; // u32 function index each
export const VEX_MAPS: u32 = DECODE_BASE + 0x3a000; // W, L, 3 maps, 4 prefixes, 256 x u16
const BUFFER: usize = SCRATCH_BASE + 0x9000;
/** firstAlone()'s block of one instruction. */
const ALONE: usize = SCRATCH_BASE + 0x9100;

const ROW_IMM: u32 = 12;
const ROW_FLAGS: u32 = 13;
const ROW_RECIPE: u32 = 14;
const ROW_FEATURE: u32 = 22;
const ROW_VEX: u32 = 23;
const VEX_VVVV: u32 = 1; // the prefix's register field names an operand
const VEX_VSIB: u32 = 2;
const PREFIX_OPTIONAL: u32 = 4; // without its feature, the mandatory prefix is ignored
const ROW_NUMBER: u32 = 24;
const FLAG_MODRM: u32 = 1;
const FLAG_END: u32 = 2;
const FLAG_NO64: u32 = 4;
const FLAG_ONLY64: u32 = 8;
const FLAG_DEFAULT64: u32 = 16;
const FLAG_FORCE64: u32 = 32;
const FLAG_LOCK: u32 = 64;
const FLAG_NO_EA: u32 = 128;

// State of the instruction being decoded.
let p: usize = 0;
let start: usize = 0;
let limit: usize = 0;
/** The bytes ran out at the end of the page. */
let short: bool = false;
let rex: u32 = 0;
let prefixes: u32 = 0;
let segment: u32 = 0;
/** Register field of a VEX prefix. */
let vvvv: u32 = 0;
/** The memory operand's index is a vector register. */
let vsib: bool = false;
let addressSize: u32 = 0; // 16, 32, 64
let ended: bool = false;
let badHandler: u32 = 0;
export function setBadHandler(index: u32): void {
  badHandler = index;
}

function byte(): u32 {
  if (p >= limit) {
    short = true;
    return 0;
  }
  return load<u8>(p++);
}
function word(): u32 {
  const a = byte();
  return a | (byte() << 8);
}
function dword(): u32 {
  const a = word();
  return a | (word() << 16);
}
function gprSlot(n: u32): u32 {
  return n << 3;
}
/** Byte register: with REX 4-7 are SPL..DIL, without AH..BH. */
function byteSlot(n: u32): u32 {
  if (!rex && n >= 4 && n < 8) return ((n - 4) << 3) | 1;
  return n << 3;
}
function setEa(rec: usize, base: u32, index: u32, scale: u32, disp: i32, defaultSegment: u32): void {
  store<u8>(rec, <u8>base, REC_BASE);
  store<u8>(rec, <u8>index, REC_INDEX);
  store<u8>(rec, <u8>scale, REC_SCALE);
  store<i32>(rec, disp, REC_DISP);
  store<u8>(rec, <u8>(64 - addressSize), REC_ADDR_SHIFT);
  let seg = prefixes & PREFIX_SEG ? segment : defaultSegment;
  // In 64-bit mode only FS and GS have a base.
  if (codeSize == 2 && seg < 4) seg = seg == 2 ? 9 : 8;
  store<u8>(rec, <u8>seg, REC_SEG);
}
function memoryOperand(rec: usize, modrm: u32): void {
  const mod = modrm >> 6;
  const rm = modrm & 7;
  if (addressSize == 16) {
    let base: u32 = ZERO_SLOT;
    let index: u32 = ZERO_SLOT;
    let seg: u32 = 3;
    let disp: i32 = 0;
    switch (rm) {
      case 0: base = 24; index = 48; break; // BX SI
      case 1: base = 24; index = 56; break; // BX DI
      case 2: base = 40; index = 48; seg = 2; break; // BP SI
      case 3: base = 40; index = 56; seg = 2; break;
      case 4: base = 48; break;
      case 5: base = 56; break;
      case 6:
        if (mod == 0) disp = <i32>word();
        else {
          base = 40;
          seg = 2;
        }
        break;
      default: base = 24;
    }
    if (mod == 1) disp = <i32>(<i8>byte());
    else if (mod == 2) disp = <i32>word();
    setEa(rec, base, index, 0, disp, seg);
    return;
  }
  let base: u32;
  let index: u32 = ZERO_SLOT;
  let scale: u32 = 0;
  let seg: u32 = 3;
  let disp: i32 = 0;
  if (rm == 4) {
    const sib = byte();
    scale = sib >> 6;
    const i = ((sib >> 3) & 7) | ((rex & 2) << 2);
    if (vsib) index = i;
    else if (i != 4) index = gprSlot(i);
    const b = sib & 7;
    if (b == 5 && mod == 0) {
      base = ZERO_SLOT;
      disp = <i32>dword();
    } else {
      base = gprSlot(b | ((rex & 1) << 3));
      if (b == 4 || b == 5) seg = rex & 1 ? 3 : 2;
    }
  } else if (rm == 5 && mod == 0) {
    disp = <i32>dword();
    base = codeSize == 2 ? BLOCK_IP : ZERO_SLOT; // RIP-relative: finished when the length is known
  } else {
    base = gprSlot(rm | ((rex & 1) << 3));
    if (rm == 5 && !(rex & 1)) seg = 2;
  }
  if (mod == 1) disp = <i32>(<i8>byte());
  else if (mod == 2) disp = <i32>dword();
  setEa(rec, base, index, scale, disp, seg);
}
function slotOf(recipe: u32, modrm: u32, opcode: u32): u32 {
  const reg = ((modrm >> 3) & 7) | ((rex & 4) << 1);
  const rm = (modrm & 7) | ((rex & 1) << 3);
  const low = (opcode & 7) | ((rex & 1) << 3);
  switch (recipe) {
    case 1: return byteSlot(reg);
    case 2: return gprSlot(reg);
    case 3: return byteSlot(rm);
    case 4: return gprSlot(rm);
    case 5: return byteSlot(low);
    case 6: return gprSlot(low);
    case 7: return reg;
    case 8: return rm;
    case 10: return reg & 7;
    case 11: return rm & 7;
    case 12: return 8; // CL
    case 13: return 16; // DX
    case 14: return gprSlot(vvvv);
    case 15: return vvvv;
    default: return 0;
  }
}
function bad(rec: usize): void {
  store<u32>(rec, badHandler, REC_HANDLER);
  ended = true;
}
function hasFeature(n: u32): bool {
  return (load<u32>(vcpu + ((n >> 5) << 2), FEATURES) & (1 << (n & 31))) != 0;
}
/**
 * The rest of a VEX prefix whose first byte was `first`, and the opcode: returns the table entry (0: none), leaves REX bits in `rex` and the
 * register field in `vvvv`. Outside 64-bit mode the bits that name registers 8-15 and W as an operand size mean nothing.
 */
function vexEntry(first: u32): u32 {
  vexIllegal = rex != 0 || (prefixes & (PREFIX_LOCK | PREFIX_REP | PREFIX_REPNE | PREFIX_OPSIZE)) != 0;
  const b1 = byte();
  let map: u32 = 1;
  let b2 = b1;
  let w: u32 = 0;
  rex = b1 & 0x80 ? 0 : 4;
  if (first == 0xc4) {
    b2 = byte();
    map = b1 & 31;
    w = b2 >> 7;
    rex |= (b1 & 0x40 ? 0 : 2) | (b1 & 0x20 ? 0 : 1) | (w << 3);
  }
  vvvv = ((b2 >> 3) & 15) ^ 15;
  if (codeSize != 2) {
    rex = 0;
    vvvv &= 7;
  } else rex |= 0x40;
  vexMap = map;
  vexPrefix = b2 & 3;
  vexOpcode = byte();
  if (map < 1 || map > 3) return 0;
  return <u32>load<u16>(VEX_MAPS + (((((((w << 1) | ((b2 >> 2) & 1)) * 3 + (map - 1)) << 2) | vexPrefix) << 8) | vexOpcode) * 2);
}
function mapEntry(map: u32, mandatory: u32, op: u32): u32 {
  return <u32>load<u16>((codeSize == 2 ? MAPS : MAPS + 0x2000) + (((((map << 2) | mandatory) << 8) | op) << 1));
}
/** A prefix before VEX that may not be there: #UD, once the instruction's length is known. */
let vexIllegal: bool = false;
let vexMap: u32 = 0;
let vexPrefix: u32 = 0;
let vexOpcode: u32 = 0;
/** Decodes one instruction at `p` into `rec`. Returns false when the bytes ran out. */
function decodeOne(rec: usize, offset: u32): bool {
  start = p;
  short = false;
  rex = 0;
  prefixes = 0;
  segment = 0;
  ended = false;
  const bits: u32 = codeSize == 2 ? 32 : codeSize == 1 ? 32 : 16;
  addressSize = codeSize == 2 ? 64 : bits;
  let opsize = bits;
  let op: u32;
  while (true) {
    op = byte();
    if (short) return false;
    if (codeSize == 2 && (op & 0xf0) == 0x40) {
      rex = op;
      continue;
    }
    if (op == 0x66) {
      prefixes |= PREFIX_OPSIZE;
      opsize = bits == 32 ? 16 : 32;
    } else if (op == 0x67) addressSize = codeSize == 2 ? 32 : bits == 32 ? 16 : 32;
    else if (op == 0xf0) prefixes |= PREFIX_LOCK;
    else if (op == 0xf3) prefixes = (prefixes & ~PREFIX_REPNE) | PREFIX_REP;
    else if (op == 0xf2) prefixes = (prefixes & ~PREFIX_REP) | PREFIX_REPNE;
    else if ((op & 0xe7) == 0x26) {
      // ES CS SS DS: no effect in 64-bit mode, where they do not even cancel FS/GS.
      if (codeSize != 2) {
        prefixes |= PREFIX_SEG;
        segment = (op >> 3) & 3;
      }
    } else if (op == 0x64 || op == 0x65) {
      prefixes |= PREFIX_SEG;
      segment = op - 0x60;
    } else break;
    rex = 0; // REX counts only directly before the opcode
    if (p - start > 14) {
      // Too long before its opcode: decodeBlock() sees more than 15 bytes and raises #GP.
      p = start + 16;
      bad(rec);
      return finish(rec, offset);
    }
  }
  let map: u32 = 0;
  let mandatory: u32 = 0;
  let e: u32;
  let vex = false;
  if ((op == 0xc4 || op == 0xc5) && p >= limit) return false;
  if ((op == 0xc4 || op == 0xc5) && (codeSize == 2 || load<u8>(p) >= 0xc0)) {
    // Elsewhere LES and LDS, whose operand must be in memory.
    vex = true;
    opsize = 32;
    e = vexEntry(op);
    if (short) return false;
    op = vexOpcode;
    map = vexMap | 8;
    mandatory = vexPrefix;
  } else {
    if (op == 0x0f) {
      op = byte();
      map = 1;
      if (op == 0x38) {
        op = byte();
        map = 2;
      } else if (op == 0x3a) {
        op = byte();
        map = 3;
      }
    }
    if (short) return false;
    mandatory = prefixes & PREFIX_REP ? 2 : prefixes & PREFIX_REPNE ? 3 : prefixes & PREFIX_OPSIZE ? 1 : 0;
    e = mapEntry(map, mandatory, op);
  }
  let modrm: u32 = 0;
  let haveModrm = false;
  if (e & 0x8000) {
    modrm = byte();
    haveModrm = true;
    const sub = modrm >= 0xc0 ? 8 + (modrm & 63) : (modrm >> 3) & 7;
    e = <u32>load<u16>(GROUPS + ((e & 0x7fff) * 72 + sub) * 2);
  }
  if (e && load<u8>(ROWS + (e << 5), ROW_VEX) & PREFIX_OPTIONAL && !hasFeature(load<u8>(ROWS + (e << 5), ROW_FEATURE))) {
    e = mapEntry(map, 0, op);
    // What the plain opcode means may depend on ModRM (BSF of a register, of memory).
    if (e & 0x8000) {
      if (!haveModrm) modrm = byte();
      haveModrm = true;
      const sub = modrm >= 0xc0 ? 8 + (modrm & 63) : (modrm >> 3) & 7;
      e = <u32>load<u16>(GROUPS + ((e & 0x7fff) * 72 + sub) * 2);
    }
  }
  store<u32>(rec, 0, REC_R0);
  store<u8>(rec, <u8>ZERO_SLOT, REC_BASE);
  store<u64>(rec, 0, REC_IMM);
  store<u32>(rec, 0, REC_INDEX); // and scale, segment; LOOP and JCXZ have an address size without an address
  store<u8>(rec, <u8>(64 - addressSize), REC_ADDR_SHIFT);
  store<u16>(rec, <u16>e, REC_FORM);
  if (!e) {
    // Behind VEX every opcode but VZEROUPPER has a ModRM byte, and those of map 3 an immediate: too long is #GP before it is #UD.
    if (vex && op != 0x77) {
      if (!haveModrm) modrm = byte();
      vsib = false;
      if (modrm < 0xc0) memoryOperand(rec, modrm);
      if (vexMap == 3) byte();
    }
    if (short) return false;
    missing(1, op | ((map & 11) << 8) | (mandatory << 12) | (modrm << 16));
    bad(rec);
    return finish(rec, offset);
  }
  const row = ROWS + (e << 5);
  const flags = <u32>load<u8>(row, ROW_FLAGS);
  if (flags & FLAG_MODRM && !haveModrm) modrm = byte();
  const isMemory = (flags & FLAG_MODRM) != 0 && modrm < 0xc0 && !(flags & FLAG_NO_EA);
  let size: u32 = opsize == 16 ? 0 : 1;
  if (codeSize == 2) {
    if (rex & 8) size = 2;
    else if (flags & FLAG_DEFAULT64 && size == 1) size = 2;
    if (flags & FLAG_FORCE64) size = 2;
  }
  // Without a memory operand the stack is all that such an instruction touches: a non-canonical address there is #SS.
  if (flags & (FLAG_DEFAULT64 | FLAG_FORCE64) && codeSize == 2) store<u8>(rec, 9, REC_SEG);
  const vexFlags = <u32>load<u8>(row, ROW_VEX);
  vsib = (vexFlags & VEX_VSIB) != 0;
  if (isMemory) memoryOperand(rec, modrm);
  let h = flags & FLAG_MODRM && modrm >= 0xc0 ? load<u16>(row + ((3 + size) << 1)) : load<u16>(row + (size << 1));
  const recipe = row + ROW_RECIPE + (flags & FLAG_MODRM && modrm >= 0xc0 ? 3 : 0);
  store<u8>(rec, <u8>slotOf(load<u8>(recipe), modrm, op), REC_R0);
  store<u8>(rec, <u8>slotOf(load<u8>(recipe, 1), modrm, op), REC_R1);
  store<u8>(rec, <u8>slotOf(load<u8>(recipe, 2), modrm, op), REC_R2);
  switch (<u32>load<u8>(row, ROW_IMM)) {
    case 1: store<i64>(rec, <i64>(<i8>byte()), REC_IMM); break;
    case 2: store<u64>(rec, <u64>byte(), REC_IMM); break;
    case 3: store<u64>(rec, <u64>word(), REC_IMM); break;
    case 4: // Iz
      if (size == 0) store<i64>(rec, <i64>(<i16>word()), REC_IMM);
      else store<i64>(rec, <i64>(<i32>dword()), REC_IMM);
      break;
    case 5: // Iv
      if (size == 0) store<i64>(rec, <i64>(<i16>word()), REC_IMM);
      else if (size == 1) store<u64>(rec, <u64>dword(), REC_IMM);
      else {
        const low = <u64>dword();
        store<u64>(rec, low | ((<u64>dword()) << 32), REC_IMM);
      }
      break;
    case 6: { // moffs: an address-size offset, kept in the immediate; the record's EA is base-less
      let at: u64;
      if (addressSize == 16) at = word();
      else if (addressSize == 32) at = dword();
      else {
        const low = <u64>dword();
        at = low | ((<u64>dword()) << 32);
      }
      setEa(rec, ZERO_SLOT, ZERO_SLOT, 0, 0, 3);
      store<u64>(rec, at, REC_IMM);
      break;
    }
    case 7: { // ENTER: Iw, Ib
      const w = word();
      store<u64>(rec, <u64>(w | (byte() << 16)), REC_IMM);
      break;
    }
    case 8: { // far pointer: offset, selector
      const at = <u64>(size == 0 ? word() : dword());
      store<u64>(rec, at | ((<u64>word()) << 32), REC_IMM);
      break;
    }
    case 9: store<u64>(rec, 1, REC_IMM); break;
    case 10: // Jz: 16-bit displacement only with a 16-bit operand size outside 64-bit mode
      if (size == 0 && codeSize != 2) store<i64>(rec, <i64>(<i16>word()), REC_IMM);
      else store<i64>(rec, <i64>(<i32>dword()), REC_IMM);
      break;
    case 12: // a vector register in the upper half
      store<u64>(rec, <u64>(byte() & (codeSize == 2 ? 0xf0 : 0x70)), REC_IMM);
      break;
    case 11: { // string instructions: segment override and address size only
      setEa(rec, ZERO_SLOT, ZERO_SLOT, 0, 0, 3);
      break;
    }
    default: break;
  }
  if (short) return false;
  store<u8>(rec, <u8>(size + 1), REC_SIZE);
  if (prefixes & PREFIX_LOCK && (!(flags & FLAG_LOCK) || !isMemory)) h = 0xffff;
  if (flags & FLAG_NO64 && codeSize == 2) h = 0xffff;
  if (flags & FLAG_ONLY64 && codeSize != 2) h = 0xffff;
  const feature = <u32>load<u8>(row, ROW_FEATURE);
  if (feature && !hasFeature(feature)) h = 0xffff;
  if (vex && (vexIllegal || (!(vexFlags & VEX_VVVV) && vvvv != 0))) h = 0xffff;
  if (vsib && (addressSize == 16 || (modrm & 7) != 4)) h = 0xffff;
  if (h == 0xffff) bad(rec);
  else {
    store<u32>(rec, load<u32>(HANDLERS + (<u32>h << 2)), REC_HANDLER);
    if (flags & FLAG_END) ended = true;
  }
  // RIP-relative: displacement counts from the end of the instruction, the slot holds the start of the block.
  if (isMemory && load<u8>(rec, REC_BASE) == <u8>BLOCK_IP) store<i32>(rec, load<i32>(rec, REC_DISP) + <i32>(offset + <u32>(p - start)), REC_DISP);
  return finish(rec, offset);
}
function finish(rec: usize, offset: u32): bool {
  store<u16>(rec, <u16>offset, REC_START);
  store<u16>(rec, <u16>(offset + <u32>(p - start)), REC_END);
  store<u8>(rec, <u8>(prefixes | (rex ? PREFIX_REX : 0) | (rex & 8 ? PREFIX_REX_W : 0)), REC_PREFIX);
  return true;
}
/** Enters a fused handler (isa/fuse.ts) into the tables. */
export function fusion(first: u32, second: u32, both: u32, a: u32, b: u32): void {
  if (first >= FUSE_FUNCTIONS || second >= FUSE_FUNCTIONS || both >= FUSE_FUNCTIONS) bug(1, both);
  store<u8>(FUSE_FIRST + first, <u8>a);
  store<u8>(FUSE_SECOND + second, <u8>b);
  store<u16>(FUSE_PAIRS + (((a << 7) | b) << 1), <u16>both);
  store<u16>(FUSE_ALONE + (both << 1), <u16>first);
}
/** The handler of the record's instruction alone. */
export function aloneHandler(handler: u32): u32 {
  if (handler >= FUSE_FUNCTIONS) return handler;
  const alone = <u32>load<u16>(FUSE_ALONE + (handler << 1));
  return alone ? alone : handler;
}
function fusePair(rec: usize): bool {
  const a = <u32>load<u8>(FUSE_FIRST + load<u32>(rec, REC_HANDLER));
  if (!a) return false;
  const both = <u32>load<u16>(FUSE_PAIRS + (((a << 7) | load<u8>(FUSE_SECOND + load<u32>(rec + 32, REC_HANDLER))) << 1));
  if (!both) return false;
  store<u32>(rec, both, REC_HANDLER);
  return true;
}
/** Pairs the records from `first` up to `end`: the last two (a comparison and its branch gain most), then the others in order. */
function fuse(first: usize, end: usize): void {
  if (end - first < 64) return;
  if (fusePair(end - 64)) end -= 64;
  let rec = first;
  while (rec + 64 <= end) rec += fusePair(rec) ? 64 : 32;
}
/** Bytes after which the next decoded block ends (a breakpoint lies there), 0: where it would. */
let decodeMost: usize = 0;
export function limitDecoding(bytes: usize): void {
  decodeMost = bytes;
}
/** Decodes the block at `linear`, whose first byte is at `host` (0: on the bus). Returns a published block, or one outside the arena that must not be cached by RIP. */
export function decodeBlock(linear: u64, host: usize): usize {
  if (!host) {
    missing(2, <u32>(linear >> 12));
    raise(UD);
  }
  const pageEnd = (host | 0xfff) + 1;
  const end = decodeMost ? host + decodeMost : pageEnd;
  decodeMost = 0;
  const block = reserve();
  let rec = block + BLOCK_HEADER_SIZE;
  let count: u32 = 0;
  p = host;
  limit = pageEnd;
  let length: u32 = 0;
  while (count < 64) {
    const at = p;
    if (!decodeOne(rec, <u32>(at - host))) {
      p = at;
      break;
    }
    if (p - at > 15) {
      // Longer than 15 bytes: #GP when it is reached.
      if (count) {
        p = at;
        break;
      }
      raiseCode(GP, 0);
    }
    count++;
    length = <u32>(p - host);
    rec += 32;
    if (ended || p >= end) break;
  }
  if (count) {
    store<u32>(rec, endHandlerIndex(), REC_HANDLER);
    fuse(block + BLOCK_HEADER_SIZE, rec);
    publish(block, host, blockMode, count, length);
    if (tracing & TRACE_DECODE) emit(TRACE_DECODE, signed(linear), <f64>count, <f64>length);
    return block;
  }
  return straddling(linear, host, <u32>(pageEnd - host));
}
// A straddling instruction depends on two frames. It is kept with the 16 bytes it was decoded from and compared with them each time, so
// that no write tracking is needed. Entry: block header, record, end record, then the bytes, the second frame and the mode.
const STRADDLE_BYTES: u32 = 96;
const STRADDLE_NEXT: u32 = 112;
const STRADDLE_MODE: u32 = 116;
function straddling(linear: u64, host: usize, have: u32): usize {
  const next = executableHost(linear + have);
  if (!next) raise(UD);
  memory.copy(BUFFER, host, have);
  memory.copy(BUFFER + have, next, 16 - have);
  const block = STRADDLE_BASE + ((host ^ (host >> 8)) & (STRADDLE_ENTRIES - 1)) * STRADDLE_SIZE;
  if (
    load<u32>(block, BLOCK_HOST) == host &&
    load<u32>(block, STRADDLE_NEXT) == next &&
    load<u32>(block, STRADDLE_MODE) == codeSize &&
    load<u64>(block, STRADDLE_BYTES) == load<u64>(BUFFER) &&
    load<u64>(block, STRADDLE_BYTES + 8) == load<u64>(BUFFER, 8)
  )
    return block;
  store<u32>(block, 0, BLOCK_HOST);
  p = BUFFER;
  limit = BUFFER + 16;
  const rec = block + BLOCK_HEADER_SIZE;
  if (!decodeOne(rec, 0) || p - BUFFER > 15) raiseCode(GP, 0);
  store<u32>(rec + 32, endHandlerIndex(), REC_HANDLER);
  store<u16>(block, 1, BLOCK_COUNT);
  store<u16>(block, 1, BLOCK_SPAN);
  store<u16>(block, <u16>(p - BUFFER), BLOCK_LENGTH);
  store<u64>(block, load<u64>(BUFFER), STRADDLE_BYTES);
  store<u64>(block, load<u64>(BUFFER, 8), STRADDLE_BYTES + 8);
  store<u32>(block, next, STRADDLE_NEXT);
  store<u32>(block, codeSize, STRADDLE_MODE);
  store<u32>(block, host, BLOCK_HOST);
  return block;
}
/**
 * The first instruction of a block alone, where the code segment ends inside the block (`room`: bytes behind the first that are still in it);
 * #GP when even that one does not fit. The copy is not cached: the next round looks again.
 */
export function firstAlone(block: usize, room: u64): usize {
  const first = block + BLOCK_HEADER_SIZE;
  const length = load<u16>(first, REC_END);
  if (<u64>length - 1 > room) raiseCode(GP, 0);
  const own = load<u32>(block, BLOCK_INTERPRETED);
  memory.copy(ALONE, block, BLOCK_HEADER_SIZE + 32);
  store<u32>(ALONE + BLOCK_HEADER_SIZE, aloneHandler(own ? own : load<u32>(first, REC_HANDLER)), REC_HANDLER);
  store<u32>(ALONE + BLOCK_HEADER_SIZE + 32, endHandlerIndex(), REC_HANDLER);
  store<u16>(ALONE, 1, BLOCK_COUNT);
  store<u16>(ALONE, length, BLOCK_LENGTH);
  store<u16>(ALONE, 1, BLOCK_SPAN);
  store<u32>(ALONE, 0, BLOCK_HITS);
  store<u32>(ALONE, 0, BLOCK_INTERPRETED);
  return ALONE;
}
/** Does an instruction without a memory operand of its own, or PUSH and CALL with one, use the stack? (For #SS or #GP.) */
export function usesStack(rec: usize): bool {
  return (<u32>load<u8>(ROWS + (<u32>load<u16>(rec, REC_FORM) << 5), ROW_FLAGS) & (FLAG_DEFAULT64 | FLAG_FORCE64)) != 0;
}
