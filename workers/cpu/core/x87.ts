// The x87 unit: register stack, guards, status, and every instruction but the transcendentals' mathematics (x87-math.ts) and the
// state images (x87-state.ts). Intel SDM 1 chapter 8, SDM 2. Tags hold only empty (3) or not (0); the images compute the rest.
// FIP is kept for each waiting instruction; FDP and FOP are not (AMD keeps them only for instructions that fault).

import { MF, NM, raise } from "./fault";
import { cf, pf, setFlagBits, zf } from "./flags";
import { divCore, F, FX_DE, FX_IE, FX_PE, FX_ZE, mulHigh, ROUND_DOWN, ROUND_UP, ROUND_ZERO, rintCore } from "./float-core";
import {
  add80,
  compare80,
  div80,
  exp80,
  fromDouble,
  fromInt64,
  fromSingle,
  INDEFINITE_SE,
  INDEFINITE_SIG,
  isDenormal80,
  isInf80,
  isNan80,
  isSnan80,
  isUnsupported80,
  isZero80,
  mul80,
  R,
  rem80,
  rint80,
  rounding,
  scale80,
  setR,
  sig80,
  special1,
  sqrt80,
  TOP_BIT,
  toFormat,
  toInteger,
} from "./float80";
import { ferr } from "./host";
import { BLOCK_IP, CR0, FCW, FIP, FOP, FPR, FSW, FTW, REC_START, FDP, FCS, FDS } from "./layout";
import { Mem } from "./mmu";
import { Ea } from "./operands";
import { vcpu } from "./state";
import { f2xm1R, fcosR, fpatanR, fptanR, fsinR, fyl2xp1R, fyl2xR, outOfRange } from "./x87-math";

const C0: u32 = 0x100;
const C1: u32 = 0x200;
const C2: u32 = 0x400;
const C3: u32 = 0x4000;
const CC: u32 = 0x4700;
const STACK_FAULT: u32 = 0x40;

// ---- guards ---------------------------------------------------------------------------------------------------------
/** An unmasked exception is pending: #MF, or FERR# when CR0.NE = 0. */
export function pendingFault(): void {
  if (load<u64>(vcpu, CR0) & 0x20) raise(MF);
  ferr(true);
}
/** CR0.EM or CR0.TS: #NM. */
export function fpuGuard(): void {
  if (load<u64>(vcpu, CR0) & 12) raise(NM);
}
export function x87Guard(r: usize): void {
  fpuGuard();
  if (load<u16>(vcpu, FSW) & 0x80) pendingFault();
  store<u64>(vcpu, load<u64>(vcpu, BLOCK_IP) + load<u16>(r, REC_START), FIP);
}
export function x87GuardNoWait(r: usize): void {
  fpuGuard();
}
export function fwait(): void {
  if ((load<u64>(vcpu, CR0) & 10) == 10) raise(NM);
  if (load<u16>(vcpu, FSW) & 0x80) pendingFault();
}

// ---- stack and status -----------------------------------------------------------------------------------------------
/** Address of ST(i). */
function st(i: u32): usize {
  return vcpu + (((((<u32>load<u16>(vcpu, FSW)) >> 11) + i) & 7) << 4);
}
function sigOf(p: usize): u64 {
  return load<u64>(p, FPR);
}
function seOf(p: usize): u32 {
  return load<u16>(p, FPR + 8);
}
function put(p: usize, sig: u64, se: u32): void {
  store<u64>(p, sig, FPR);
  store<u16>(p, se, FPR + 8);
}
function isEmpty(i: u32): bool {
  const n = (((<u32>load<u16>(vcpu, FSW)) >> 11) + i) & 7;
  return ((load<u16>(vcpu, FTW) >> (n << 1)) & 2) != 0;
}
/** Decrements TOP and marks the new ST(0) used. */
function push(sig: u64, se: u32): void {
  const sw = <u32>load<u16>(vcpu, FSW);
  const n = ((sw >> 11) - 1) & 7;
  store<u16>(vcpu, (sw & 0xc7ff) | (n << 11), FSW);
  store<u16>(vcpu, <u32>load<u16>(vcpu, FTW) & ~(3 << (n << 1)), FTW);
  put(vcpu + (n << 4), sig, se);
}
function pop(): void {
  const sw = <u32>load<u16>(vcpu, FSW);
  const n = (sw >> 11) & 7;
  store<u16>(vcpu, <u32>load<u16>(vcpu, FTW) | (3 << (n << 1)), FTW);
  store<u16>(vcpu, (sw & 0xc7ff) | (((n + 1) & 7) << 11), FSW);
}
function markUsed(i: u32): void {
  const n = (((<u32>load<u16>(vcpu, FSW)) >> 11) + i) & 7;
  store<u16>(vcpu, <u32>load<u16>(vcpu, FTW) & ~(3 << (n << 1)), FTW);
}
function begin(): void {
  F.exc = 0;
  F.up = false;
}
/**
 * Merges F.exc and C1 into the status word. False when an unmasked IE, DE or ZE forbids the result (later exceptions then
 * did not happen).
 */
function commit(): bool {
  let exc = F.exc;
  let sw = <u32>load<u16>(vcpu, FSW) & ~C1;
  if (exc == 0) {
    store<u16>(vcpu, sw, FSW);
    return true;
  }
  const unmasked = exc & ~(<u32>load<u16>(vcpu, FCW)) & 0x3f;
  const refused = (unmasked & 7) != 0;
  if (refused) exc &= 0x47;
  else if (F.up) sw |= C1;
  sw |= exc;
  if (unmasked) sw |= 0x8080;
  store<u16>(vcpu, sw, FSW);
  return !refused;
}
/** commit(), for instructions that leave C1 alone unless the stack faults. */
function commitKeepingC1(): bool {
  const c1 = <u32>load<u16>(vcpu, FSW) & C1;
  const ok = commit();
  store<u16>(vcpu, <u32>load<u16>(vcpu, FSW) | c1, FSW);
  return ok;
}
/** Stack fault; `over` sets C1. True when masked (R holds the indefinite). */
function stackFault(over: bool): bool {
  F.exc = FX_IE | STACK_FAULT;
  F.up = false;
  const ok = commit();
  if (over) store<u16>(vcpu, <u32>load<u16>(vcpu, FSW) | C1, FSW);
  setR(INDEFINITE_SIG, INDEFINITE_SE);
  return ok;
}
function setCc(bits: u32): void {
  store<u16>(vcpu, (<u32>load<u16>(vcpu, FSW) & ~CC) | bits, FSW);
}

// ---- the usual case ---------------------------------------------------------------------------------------------------
// Registers in use, normal numbers, full precision, rounding to nearest, inexact masked: computed here without the generality of the exact
// functions, which take over when anything else is found.
/** Both registers are in use. */
function inUse(tags: u32, n: u32, m: u32): bool {
  return (((tags >> (n << 1)) | (tags >> (m << 1))) & 2) == 0;
}
function numberOf(sw: u32, i: u32): u32 {
  return ((sw >> 11) + i) & 7;
}
function usualControl(): bool {
  return (load<u16>(vcpu, FCW) & 0xf20) == 0x320;
}
/** The register at `p` = a op b. False: nothing is changed. */
function combine(p: usize, sw: u32, op: u32, a: u64, ase: u32, b: u64, bse: u32): bool {
  let e = ase & 0x7fff;
  let f = bse & 0x7fff;
  if (e - 1 >= 0x7ffe || f - 1 >= 0x7ffe || <i64>(a & b) >= 0) return false;
  let sign = (ase ^ bse) & 0x8000;
  let sig: u64;
  let lo: u64;
  // As mulCore and addCore, without the detour over their result registers.
  if (op == 1) {
    sig = mulHigh(a, b);
    lo = a * b;
    e += f - 16382;
    if (<i64>sig >= 0) {
      sig = (sig << 1) | (lo >> 63);
      lo <<= 1;
      e--;
    }
  } else if (op < 6) {
    if (op != 0) sign ^= 0x8000;
    const differ = sign != 0;
    sign = op == 5 ? (ase & 0x8000) ^ 0x8000 : ase & 0x8000;
    if (e < f || (e == f && a < b)) {
      if (differ) sign ^= 0x8000;
      const s = a;
      a = b;
      b = s;
      const t = e;
      e = f;
      f = t;
    }
    const d = <u64>(e - f);
    if (d > 63) return false;
    const high = b >> d;
    const low = (b << 1) << (63 - d);
    if (!differ) {
      sig = a + high;
      lo = low;
      if (sig < a) {
        lo = (sig << 63) | (lo >> 1) | (lo & 1);
        sig = (sig >> 1) | TOP_BIT;
        e++;
      }
    } else {
      lo = 0 - low;
      sig = a - high - u64(low != 0);
      if (sig == 0) return false;
      const n = clz(sig);
      sig = (sig << n) | ((lo >> 1) >> (63 - n));
      lo <<= n;
      e -= <u32>n;
    }
  } else {
    if (op == 6) divCore(0, <i32>e, a, <i32>f, b);
    else divCore(0, <i32>f, b, <i32>e, a);
    sig = F.hi;
    lo = F.lo;
    e = <u32>(F.exp + 16383);
  }
  if (e - 1 >= 0x7ffd) return false;
  let status = sw & ~C1;
  if (lo != 0) {
    status |= FX_PE;
    if (lo > TOP_BIT || (lo == TOP_BIT && (sig & 1) != 0)) {
      status |= C1;
      sig++;
      if (sig == 0) {
        sig = TOP_BIT;
        e++;
      }
    }
  }
  put(p, sig, sign | e);
  store<u16>(vcpu, status, FSW);
  return true;
}
/** ST(d) = ST(d) op ST(s). */
export function usualArith(d: u32, s: u32, op: u32): bool {
  const sw = <u32>load<u16>(vcpu, FSW);
  const n = numberOf(sw, d);
  const m = numberOf(sw, s);
  if (!inUse(load<u16>(vcpu, FTW), n, m) || !usualControl()) return false;
  const p = vcpu + (n << 4);
  const q = vcpu + (m << 4);
  return combine(p, sw, op, sigOf(p), seOf(p), sigOf(q), seOf(q));
}
/** ST(0) = ST(0) op double. */
export function usualArithMq(x: u64, op: u32): bool {
  const e = <u32>(x >> 52) & 0x7ff;
  const sw = <u32>load<u16>(vcpu, FSW);
  const n = numberOf(sw, 0);
  if (e - 1 >= 0x7fe || !inUse(load<u16>(vcpu, FTW), n, n) || !usualControl()) return false;
  const p = vcpu + (n << 4);
  return combine(p, sw, op, sigOf(p), seOf(p), TOP_BIT | ((x & 0x000fffffffffffff) << 11), (<u32>(x >> 48) & 0x8000) | (e + 15360));
}
export function usualArithMd(x: u32, op: u32): bool {
  const e = (x >> 23) & 0xff;
  const sw = <u32>load<u16>(vcpu, FSW);
  const n = numberOf(sw, 0);
  if (e - 1 >= 0xfe || !inUse(load<u16>(vcpu, FTW), n, n) || !usualControl()) return false;
  const p = vcpu + (n << 4);
  return combine(p, sw, op, sigOf(p), seOf(p), TOP_BIT | (<u64>(x & 0x007fffff) << 40), ((x >> 16) & 0x8000) | (e + 16256));
}
/** Pushes a number that raises nothing. False: the register is in use, nothing is changed. */
function pushFree(sig: u64, se: u32): bool {
  const sw = <u32>load<u16>(vcpu, FSW);
  const n = numberOf(sw, 7);
  const tags = <u32>load<u16>(vcpu, FTW);
  if (((tags >> (n << 1)) & 2) == 0) return false;
  store<u16>(vcpu, (sw & 0xc5ff) | (n << 11), FSW);
  store<u16>(vcpu, tags & ~(3 << (n << 1)), FTW);
  put(vcpu + (n << 4), sig, se);
  return true;
}

function pushInteger(v: i64): bool {
  if (v == 0) return pushFree(0, 0);
  const m: u64 = v < 0 ? <u64>(-v) : <u64>v;
  const n = clz(m);
  return pushFree(m << n, (v < 0 ? 0x8000 : 0) | (16446 - <u32>n));
}
/** The status word after the store that the functions below looked at; NONE: it is not a usual one. */
let nextStatus: u32 = 0;
const NONE: u32 = 0xffffffff;
/** ST(0) rounded to a double, or to a single. Inexact is masked, rounding to nearest; the register in use, the result normal or zero. */
function usualReal(single: bool): u64 {
  const sw = <u32>load<u16>(vcpu, FSW);
  const n = numberOf(sw, 0);
  const p = vcpu + (n << 4);
  const sig = sigOf(p);
  const se = seOf(p);
  const sign: u64 = <u64>(se >> 15) << (single ? 31 : 63);
  nextStatus = NONE;
  if ((load<u16>(vcpu, FTW) >> (n << 1)) & 2) return 0;
  if (sig == 0 && (se & 0x7fff) == 0) {
    nextStatus = sw & ~C1;
    return sign;
  }
  const e = (se & 0x7fff) - (single ? 16256 : 15360);
  if (e - 1 >= (single ? <u32>0xfd : <u32>0x7fd) || <i64>sig >= 0 || (load<u16>(vcpu, FCW) & 0xc20) != 0x20) return 0;
  const drop: u64 = single ? 40 : 11;
  const rest = sig << (64 - drop);
  const v = sign | (((<u64>e) << (63 - drop)) + ((sig << 1) >> (drop + 1)));
  const up = rest > TOP_BIT || (rest == TOP_BIT && (v & 1) != 0);
  nextStatus = (sw & ~C1) | (rest != 0 ? FX_PE : 0) | (up ? C1 : 0);
  return v + u64(up);
}
/** ST(0) as a signed integer of `bits` bits, with a bit to spare. */
function usualInteger(bits: u32, truncate: bool): u64 {
  const sw = <u32>load<u16>(vcpu, FSW);
  const n = numberOf(sw, 0);
  const p = vcpu + (n << 4);
  const sig = sigOf(p);
  const se = seOf(p);
  const cw = <u32>load<u16>(vcpu, FCW);
  nextStatus = NONE;
  if ((load<u16>(vcpu, FTW) >> (n << 1)) & 2 || !(cw & 0x20)) return 0;
  if (sig == 0 && (se & 0x7fff) == 0) {
    nextStatus = sw & ~C1;
    return 0;
  }
  const zero = truncate || (cw & 0xc00) == 0xc00;
  const e = (se & 0x7fff) - 16383;
  if (e >= bits - 2 || <i64>sig >= 0 || (!zero && (cw & 0xc00) != 0)) return 0;
  let v = sig >> <u64>(63 - e);
  const rest = (sig << 1) << <u64>e;
  const up = !zero && (rest > TOP_BIT || (rest == TOP_BIT && (v & 1) != 0));
  v += u64(up);
  nextStatus = (sw & ~C1) | (rest != 0 ? FX_PE : 0) | (up ? C1 : 0);
  return se & 0x8000 ? 0 - v : v;
}
/** Memory is written: status and stack change. */
function stored(pops: u32): void {
  store<u16>(vcpu, nextStatus, FSW);
  if (pops) pop();
}

// ---- arithmetic -----------------------------------------------------------------------------------------------------
/** op: the /digit of D8 (0 add, 1 mul, 4 sub, 5 subr, 6 div, 7 divr). */
function operate(op: u32, a: u64, ase: u32, b: u64, bse: u32): void {
  switch (op) {
    case 0:
      add80(a, ase, b, bse, 0);
      break;
    case 1:
      mul80(a, ase, b, bse);
      break;
    case 4:
      add80(a, ase, b, bse, 0x8000);
      break;
    case 5:
      add80(b, bse, a, ase, 0x8000);
      break;
    case 6:
      div80(a, ase, b, bse);
      break;
    default:
      div80(b, bse, a, ase);
  }
}
export function exactArith(dest: u32, i: u32, op: u32, popAfter: bool): void {
  if (isEmpty(0) || isEmpty(i)) {
    if (!stackFault(false)) return;
    markUsed(dest);
  } else {
    begin();
    const p = st(dest);
    const q = st(dest ? 0 : i);
    operate(op, sigOf(p), seOf(p), sigOf(q), seOf(q));
    if (!commit()) return;
  }
  put(st(dest), R.sig, R.se);
  if (popAfter) pop();
}
/** ST(0) = ST(0) op ST(i). */
export function fArith(i: u32, op: u32): void {
  if (!usualArith(0, i, op)) exactArith(0, i, op, false);
}
/** ST(i) = ST(i) op ST(0); `op` is already the operation meant (DC and DE swap the reversed forms). */
export function fArithSti(i: u32, op: u32): void {
  if (!usualArith(i, 0, op)) exactArith(i, i, op, false);
}
export function fArithPop(i: u32, op: u32): void {
  if (usualArith(i, 0, op)) pop();
  else exactArith(i, i, op, true);
}
/** ST(0) = ST(0) op R, where R came from memory. */
function arithMem(op: u32, denormal: bool): void {
  if (isEmpty(0)) {
    if (!stackFault(false)) return;
    markUsed(0);
    put(st(0), R.sig, R.se);
    return;
  }
  const p = st(0);
  const a = sigOf(p);
  const ase = seOf(p);
  operate(op, a, ase, R.sig, R.se);
  if (denormal && (F.exc & (FX_IE | FX_ZE)) == 0 && !isNan80(a, ase)) F.exc |= FX_DE;
  if (commit()) put(p, R.sig, R.se);
}
export function exactArithMd(x: u32, op: u32): void {
  begin();
  arithMem(op, fromSingle(x));
}
export function exactArithMq(x: u64, op: u32): void {
  begin();
  arithMem(op, fromDouble(x));
}
export function fArithMd(x: u32, op: u32): void {
  if (!usualArithMd(x, op)) exactArithMd(x, op);
}
export function fArithMq(x: u64, op: u32): void {
  if (!usualArithMq(x, op)) exactArithMq(x, op);
}
export function fiArithMd(x: u32, op: u32): void {
  begin();
  fromInt64(<i64>(<i32>x));
  arithMem(op, false);
}
export function fiArithMw(x: u32, op: u32): void {
  begin();
  fromInt64(<i64>(<i16>x));
  arithMem(op, false);
}
/** One-operand instructions that replace ST(0). */
function unaryStart(): bool {
  if (!isEmpty(0)) {
    begin();
    return true;
  }
  if (stackFault(false)) {
    markUsed(0);
    put(st(0), R.sig, R.se);
  }
  return false;
}
function unaryEnd(): void {
  if (commit()) put(st(0), R.sig, R.se);
}
export function fsqrt(): void {
  if (!unaryStart()) return;
  const p = st(0);
  sqrt80(sigOf(p), seOf(p));
  unaryEnd();
}
export function frndint(): void {
  if (!unaryStart()) return;
  const p = st(0);
  rint80(sigOf(p), seOf(p));
  unaryEnd();
}
/** ST(0) is in use: C1 is cleared. */
function signStart(): bool {
  const sw = <u32>load<u16>(vcpu, FSW);
  if ((load<u16>(vcpu, FTW) >> (numberOf(sw, 0) << 1)) & 2) return false;
  store<u16>(vcpu, sw & ~C1, FSW);
  return true;
}
export function fchs(): void {
  if (signStart()) {
    const q = st(0);
    store<u16>(q, seOf(q) ^ 0x8000, FPR + 8);
    return;
  }
  if (!unaryStart()) return;
  const p = st(0);
  store<u16>(p, seOf(p) ^ 0x8000, FPR + 8);
  commit();
}
export function fabs(): void {
  if (signStart()) {
    const q = st(0);
    store<u16>(q, seOf(q) & 0x7fff, FPR + 8);
    return;
  }
  if (!unaryStart()) return;
  const p = st(0);
  store<u16>(p, seOf(p) & 0x7fff, FPR + 8);
  commit();
}
/** Both ST(0) and ST(1) are needed; false: handled as a stack fault (ST(0) replaced when masked). */
function binaryStart(): bool {
  if (!isEmpty(0) && !isEmpty(1)) {
    begin();
    return true;
  }
  if (stackFault(false)) {
    markUsed(0);
    put(st(0), R.sig, R.se);
  }
  return false;
}
export function fscale(): void {
  if (!binaryStart()) return;
  const p = st(0);
  const q = st(1);
  scale80(sigOf(p), seOf(p), sigOf(q), seOf(q));
  unaryEnd();
}
function prem(near: bool): void {
  if (!binaryStart()) {
    store<u16>(vcpu, <u32>load<u16>(vcpu, FSW) & ~C2, FSW);
    return;
  }
  const p = st(0);
  const q = st(1);
  const n = rem80(sigOf(p), seOf(p), sigOf(q), seOf(q), near);
  const ok = commit();
  store<u16>(vcpu, <u32>load<u16>(vcpu, FSW) & ~C2, FSW);
  if (!ok) return;
  put(p, R.sig, R.se);
  if (isNan80(R.sig, R.se)) return;
  if (n < 0) setCc(C2);
  else setCc((n & 1 ? C1 : 0) | (n & 2 ? C3 : 0) | (n & 4 ? C0 : 0));
}
export function fprem(): void {
  prem(false);
}
export function fprem1(): void {
  prem(true);
}
export function fxtract(): void {
  if (isEmpty(0) || !isEmpty(7)) {
    const under = isEmpty(0);
    if (stackFault(!under)) {
      markUsed(0);
      put(st(0), R.sig, R.se);
      push(R.sig, R.se);
    }
    return;
  }
  begin();
  const p = st(0);
  const a = sigOf(p);
  const ase = seOf(p);
  if (special1(a, ase)) {
    if (!commit()) return;
    put(p, R.sig, R.se);
    push(R.sig, R.se);
    return;
  }
  if (isInf80(a, ase)) {
    commit();
    put(p, TOP_BIT, 0x7fff);
    push(a, ase);
    return;
  }
  if (a == 0) {
    F.exc |= FX_ZE;
    if (!commit()) return;
    put(p, TOP_BIT, 0xffff);
    push(0, ase);
    return;
  }
  if (isDenormal80(a, ase)) F.exc |= FX_DE;
  if (!commit()) return;
  fromInt64(exp80(a, ase));
  put(p, R.sig, R.se);
  push(sig80(a), (ase & 0x8000) | 0x3fff);
}

// ---- transcendentals ------------------------------------------------------------------------------------------------
export function f2xm1(): void {
  if (!unaryStart()) return;
  const p = st(0);
  f2xm1R(sigOf(p), seOf(p));
  unaryEnd();
}
/** FYL2X (0), FYL2XP1 (1), FPATAN (2): ST(1) = f, pop. */
export function fBinaryMath(which: u32): void {
  if (isEmpty(0) || isEmpty(1)) {
    if (!stackFault(false)) return;
    markUsed(1);
  } else {
    begin();
    const p = st(0);
    const q = st(1);
    if (which == 0) fyl2xR(sigOf(p), seOf(p), sigOf(q), seOf(q));
    else if (which == 1) fyl2xp1R(sigOf(p), seOf(p), sigOf(q), seOf(q));
    else fpatanR(sigOf(p), seOf(p), sigOf(q), seOf(q));
    if (!commit()) return;
  }
  put(st(1), R.sig, R.se);
  pop();
}
/** FSIN (0), FCOS (1). */
export function fCircular(which: u32): void {
  if (!unaryStart()) {
    store<u16>(vcpu, <u32>load<u16>(vcpu, FSW) & ~C2, FSW);
    return;
  }
  const p = st(0);
  if (which) fcosR(sigOf(p), seOf(p));
  else fsinR(sigOf(p), seOf(p));
  if (outOfRange) {
    commit();
    store<u16>(vcpu, <u32>load<u16>(vcpu, FSW) | C2, FSW);
    return;
  }
  store<u16>(vcpu, <u32>load<u16>(vcpu, FSW) & ~C2, FSW);
  unaryEnd();
}
/** FPTAN (0) pushes 1.0; FSINCOS (1) pushes the cosine. */
export function fCircular2(which: u32): void {
  if (isEmpty(0) || !isEmpty(7)) {
    const under = isEmpty(0);
    store<u16>(vcpu, <u32>load<u16>(vcpu, FSW) & ~C2, FSW);
    if (stackFault(!under)) {
      markUsed(0);
      put(st(0), R.sig, R.se);
      push(R.sig, R.se);
    }
    return;
  }
  begin();
  const p = st(0);
  const a = sigOf(p);
  const ase = seOf(p);
  let second: u64 = TOP_BIT;
  let secondSe: u32 = 0x3fff;
  if (which) {
    fcosR(a, ase);
    second = R.sig;
    secondSe = R.se;
    fsinR(a, ase);
  } else {
    fptanR(a, ase);
    if (isNan80(R.sig, R.se)) {
      second = R.sig;
      secondSe = R.se;
    }
  }
  if (outOfRange) {
    commit();
    store<u16>(vcpu, <u32>load<u16>(vcpu, FSW) | C2, FSW);
    return;
  }
  store<u16>(vcpu, <u32>load<u16>(vcpu, FSW) & ~C2, FSW);
  if (!commit()) return;
  put(p, R.sig, R.se);
  push(second, secondSe);
}

// ---- comparison -----------------------------------------------------------------------------------------------------
function ccOf(relation: u32): u32 {
  return relation == 0 ? 0 : relation == 1 ? C0 : relation == 2 ? C3 : C3 | C2 | C0;
}
function compareEnd(relation: u32, pops: u32): void {
  const ok = commit();
  setCc(ccOf(relation));
  if (!ok) return;
  if (pops > 0) pop();
  if (pops > 1) pop();
}
function compareSti(i: u32, quiet: bool, pops: u32): void {
  if (isEmpty(0) || isEmpty(i)) {
    const ok = stackFault(false);
    setCc(C3 | C2 | C0);
    if (!ok) return;
    if (pops > 0) pop();
    if (pops > 1) pop();
    return;
  }
  begin();
  const p = st(0);
  const q = st(i);
  compareEnd(compare80(sigOf(p), seOf(p), sigOf(q), seOf(q), quiet), pops);
}
export function fcom(i: u32, pops: u32): void {
  compareSti(i, false, pops);
}
export function fucom(i: u32, pops: u32): void {
  compareSti(i, true, pops);
}
export function fcompp(): void {
  compareSti(1, false, 2);
}
export function fucompp(): void {
  compareSti(1, true, 2);
}
function compareMem(denormal: bool, pops: u32): void {
  if (isEmpty(0)) {
    const ok = stackFault(false);
    setCc(C3 | C2 | C0);
    if (ok && pops) pop();
    return;
  }
  const p = st(0);
  const relation = compare80(sigOf(p), seOf(p), R.sig, R.se, false);
  if (denormal && relation != 3) F.exc |= FX_DE;
  compareEnd(relation, pops);
}
export function fcomMd(x: u32, pops: u32): void {
  begin();
  compareMem(fromSingle(x), pops);
}
export function fcomMq(x: u64, pops: u32): void {
  begin();
  compareMem(fromDouble(x), pops);
}
export function ficomMd(x: u32, pops: u32): void {
  begin();
  fromInt64(<i64>(<i32>x));
  compareMem(false, pops);
}
export function ficomMw(x: u32, pops: u32): void {
  begin();
  fromInt64(<i64>(<i16>x));
  compareMem(false, pops);
}
/** FCOMI (0), FCOMIP (1), FUCOMI (2), FUCOMIP (3). */
export function fcomi(i: u32, kind: u32): void {
  let relation: u32 = 3;
  let ok = true;
  if (isEmpty(0) || isEmpty(i)) ok = stackFault(false);
  else {
    begin();
    const p = st(0);
    const q = st(i);
    relation = compare80(sigOf(p), seOf(p), sigOf(q), seOf(q), kind >= 2);
    if (F.exc != 0) ok = commitKeepingC1();
  }
  setFlagBits(relation == 0 ? 0 : relation == 1 ? 1 : relation == 2 ? 0x40 : 0x45);
  if (ok && kind & 1) pop();
}
export function ftst(): void {
  if (isEmpty(0)) {
    stackFault(false);
    setCc(C3 | C2 | C0);
    return;
  }
  begin();
  const p = st(0);
  compareEnd(compare80(sigOf(p), seOf(p), 0, 0, false), 0);
}
export function fxam(): void {
  const p = st(0);
  const a = sigOf(p);
  const se = seOf(p);
  let cc: u32;
  if (isEmpty(0)) cc = C3 | C0;
  else if (isUnsupported80(a, se)) cc = 0;
  else if (isInf80(a, se)) cc = C2 | C0;
  else if (isNan80(a, se)) cc = C0;
  else if (isZero80(a, se)) cc = C3;
  else if (isDenormal80(a, se)) cc = C3 | C2;
  else cc = C2;
  setCc(cc | (se & 0x8000 ? C1 : 0));
}
/** FCMOVcc: condition 0 B, 1 E, 2 BE, 3 U; bit 2 negates. */
export function fcmov(i: u32, code: u32): void {
  if (isEmpty(0) || isEmpty(i)) {
    if (stackFault(false)) {
      markUsed(0);
      put(st(0), R.sig, R.se);
    }
    return;
  }
  let yes: bool;
  switch (code & 3) {
    case 0:
      yes = cf();
      break;
    case 1:
      yes = zf();
      break;
    case 2:
      yes = cf() || zf();
      break;
    default:
      yes = pf();
  }
  if (code & 4) yes = !yes;
  if (yes) {
    const q = st(i);
    put(st(0), sigOf(q), seOf(q));
  }
}

// ---- loads ----------------------------------------------------------------------------------------------------------
/** Pushes R after the overflow check; exceptions of the conversion are in F.exc. */
function pushR(): void {
  if (!isEmpty(7)) {
    if (stackFault(true)) {
      push(R.sig, R.se);
    }
    return;
  }
  // A denormal operand is loaded even when DE is unmasked.
  const invalid = (F.exc & FX_IE) != 0;
  if (commit() || !invalid) push(R.sig, R.se);
}
function pushMem(denormal: bool): void {
  if (isSnan80(R.sig, R.se)) {
    F.exc |= FX_IE;
    R.sig |= 0x4000000000000000;
  }
  if (denormal) F.exc |= FX_DE;
  pushR();
}
export function exactFldMd(x: u32): void {
  begin();
  pushMem(fromSingle(x));
}
export function exactFldMq(x: u64): void {
  begin();
  pushMem(fromDouble(x));
}
export function fldMd(x: u32): void {
  const e = (x >> 23) & 0xff;
  if (e - 1 < 0xfe && pushFree(TOP_BIT | (<u64>(x & 0x007fffff) << 40), ((x >> 16) & 0x8000) | (e + 16256))) return;
  exactFldMd(x);
}
export function fldMq(x: u64): void {
  const e = <u32>(x >> 52) & 0x7ff;
  if (e - 1 < 0x7fe && pushFree(TOP_BIT | ((x & 0x000fffffffffffff) << 11), (<u32>(x >> 48) & 0x8000) | (e + 15360))) return;
  exactFldMq(x);
}
export function fldMt(linear: u64): void {
  const sig = Mem.read<u64>(linear);
  const se = Mem.read<u16>(linear + 8);
  if (pushFree(sig, se)) return;
  begin();
  setR(sig, se);
  pushR();
}
export function fldSti(i: u32): void {
  const sw = <u32>load<u16>(vcpu, FSW);
  const n = numberOf(sw, i);
  if ((load<u16>(vcpu, FTW) >> (n << 1)) & 2 || !pushFree(sigOf(vcpu + (n << 4)), seOf(vcpu + (n << 4)))) exactFldSti(i);
}
export function exactFldSti(i: u32): void {
  if (isEmpty(i)) {
    if (stackFault(false)) push(R.sig, R.se);
    return;
  }
  begin();
  const p = st(i);
  setR(sigOf(p), seOf(p));
  pushR();
}
export function fildMw(x: u32): void {
  if (pushInteger(<i64>(<i16>x))) return;
  begin();
  fromInt64(<i64>(<i16>x));
  pushR();
}
export function fildMd(x: u32): void {
  if (pushInteger(<i64>(<i32>x))) return;
  begin();
  fromInt64(<i64>(<i32>x));
  pushR();
}
export function fildMq(x: u64): void {
  if (pushInteger(<i64>x)) return;
  begin();
  fromInt64(<i64>x);
  pushR();
}
export function fbld(linear: u64): void {
  const low = Mem.read<u64>(linear);
  const high = <u32>Mem.read<u16>(linear + 8);
  begin();
  let v: u64 = ((high >> 4) & 15) * 10 + (high & 15);
  for (let i: i32 = 60; i >= 0; i -= 4) v = v * 10 + ((low >> <u64>i) & 15);
  fromInt64(<i64>v);
  R.se |= high & 0x8000;
  pushR();
}
/** FLD1 FLDL2T FLDL2E FLDPI FLDLG2 FLDLN2 FLDZ, by the low bits of the opcode. */
export function fldConstant(n: u32): void {
  begin();
  const rc = rounding();
  const down = rc == ROUND_DOWN || rc == ROUND_ZERO;
  switch (n) {
    case 0:
      setR(TOP_BIT, 0x3fff);
      break;
    case 1:
      setR(rc == ROUND_UP ? 0xd49a784bcd1b8aff : 0xd49a784bcd1b8afe, 0x4000);
      break;
    case 2:
      setR(down ? 0xb8aa3b295c17f0bb : 0xb8aa3b295c17f0bc, 0x3fff);
      break;
    case 3:
      setR(down ? 0xc90fdaa22168c234 : 0xc90fdaa22168c235, 0x4000);
      break;
    case 4:
      setR(down ? 0x9a209a84fbcff798 : 0x9a209a84fbcff799, 0x3ffd);
      break;
    case 5:
      setR(down ? 0xb17217f7d1cf79ab : 0xb17217f7d1cf79ac, 0x3ffe);
      break;
    default:
      setR(0, 0);
  }
  pushR();
}

// ---- stores ---------------------------------------------------------------------------------------------------------
// The record is taken raw: memory is written (and may fault) before status and stack change.
/** Unmasked exceptions of F.exc that forbid a store to memory. */
function storeRefused(): bool {
  return (F.exc & ~(<u32>load<u16>(vcpu, FCW)) & 0x1f) != 0;
}
/** Empty ST(0): true when masked, with R the indefinite and F.exc set (commit not yet called). */
function storeStart(): bool {
  begin();
  if (isEmpty(0)) {
    F.exc = FX_IE | STACK_FAULT;
    return false;
  }
  return true;
}
function storeEnd(popAfter: u32): void {
  const refused = storeRefused();
  if (refused) {
    // Nothing was rounded into memory, so nothing was inexact.
    F.exc &= ~FX_PE;
    F.up = false;
  }
  commit();
  if (!refused && popAfter) pop();
}
/** FST/FSTP m32 (pops = 0, 1). */
export function fstMd(r: usize, pops: u32): void {
  const linear = Ea.toWrite(r, 4);
  const usual = usualReal(true);
  if (nextStatus != NONE) {
    Mem.write<u32>(linear, <u32>usual);
    stored(pops);
    return;
  }
  let v: u64 = 0xffc00000;
  if (storeStart()) {
    const p = st(0);
    v = toFormat(sigOf(p), seOf(p), true);
  }
  if (!storeRefused()) Mem.write<u32>(linear, <u32>v);
  else Mem.probeWrite(linear, 4); // refused, but it faults all the same
  storeEnd(pops);
}
export function fstMq(r: usize, pops: u32): void {
  const linear = Ea.toWrite(r, 8);
  const usual = usualReal(false);
  if (nextStatus != NONE) {
    Mem.write<u64>(linear, usual);
    stored(pops);
    return;
  }
  let v: u64 = 0xfff8000000000000;
  if (storeStart()) {
    const p = st(0);
    v = toFormat(sigOf(p), seOf(p), false);
  }
  if (!storeRefused()) Mem.write<u64>(linear, v);
  else Mem.probeWrite(linear, 8); // refused, but it faults all the same
  storeEnd(pops);
}
export function fstpMt(r: usize): void {
  const linear = Ea.toWrite(r, 10);
  if (storeStart()) {
    const p = st(0);
    setR(sigOf(p), seOf(p));
  } else setR(INDEFINITE_SIG, INDEFINITE_SE);
  Mem.probeWrite(linear, 10);
  if (!storeRefused()) {
    const se = R.se;
    const sig = R.sig;
    Mem.write<u64>(linear, sig);
    Mem.write<u16>(linear + 8, <u16>se);
  }
  storeEnd(1);
}
/** FIST/FISTP: pops = 0, 1; FISTTP: 3 (truncate and pop). */
function integerOf(bits: u32, pops: u32): u64 {
  if (!storeStart()) return <u64>1 << (bits - 1);
  const p = st(0);
  return toInteger(sigOf(p), seOf(p), bits, pops & 2 ? ROUND_ZERO : rounding());
}
export function fistMw(r: usize, pops: u32): void {
  const linear = Ea.toWrite(r, 2);
  const v = integerOf(16, pops);
  if (!storeRefused()) Mem.write<u16>(linear, <u16>v);
  else Mem.probeWrite(linear, 2); // refused, but it faults all the same
  storeEnd(pops);
}
export function fistMd(r: usize, pops: u32): void {
  const linear = Ea.toWrite(r, 4);
  const usual = usualInteger(32, (pops & 2) != 0);
  if (nextStatus != NONE) {
    Mem.write<u32>(linear, <u32>usual);
    stored(pops);
    return;
  }
  const v = integerOf(32, pops);
  if (!storeRefused()) Mem.write<u32>(linear, <u32>v);
  else Mem.probeWrite(linear, 4); // refused, but it faults all the same
  storeEnd(pops);
}
export function fistMq(r: usize, pops: u32): void {
  const linear = Ea.toWrite(r, 8);
  const usual = usualInteger(64, (pops & 2) != 0);
  if (nextStatus != NONE) {
    Mem.write<u64>(linear, usual);
    stored(pops);
    return;
  }
  const v = integerOf(64, pops);
  if (!storeRefused()) Mem.write<u64>(linear, v);
  else Mem.probeWrite(linear, 8); // refused, but it faults all the same
  storeEnd(pops);
}
export function fbstp(r: usize): void {
  const linear = Ea.toWrite(r, 10);
  Mem.probeWrite(linear, 10);
  let low: u64 = 0xc000000000000000;
  let high: u32 = 0xffff;
  if (storeStart()) {
    const p = st(0);
    const sig = sigOf(p);
    const se = seOf(p);
    if (isUnsupported80(sig, se) || (se & 0x7fff) == 0x7fff) F.exc |= FX_IE;
    else {
      let v: u64 = 0;
      let inexact = false;
      if (sig != 0) {
        inexact = rintCore(se >> 15, exp80(sig, se), sig80(sig), rounding());
        if (F.hi != 0) v = F.exp > 62 ? 0xffffffffffffffff : F.hi >> <u64>(63 - F.exp);
      }
      if (v > 999999999999999999) {
        F.exc |= FX_IE;
        F.up = false;
      } else {
        if (inexact) F.exc |= FX_PE;
        low = 0;
        for (let i: u64 = 0; i < 64; i += 4) {
          low |= (v % 10) << i;
          v /= 10;
        }
        high = <u32>(v % 10) | (<u32>(v / 10) << 4) | (se & 0x8000);
      }
    }
  }
  if (!storeRefused()) {
    Mem.probeWrite(linear, 10);
    Mem.write<u64>(linear, low);
    Mem.write<u16>(linear + 8, <u16>high);
  }
  storeEnd(1);
}
/** FST/FSTP ST(i). */
export function fstSti(i: u32, pops: u32): void {
  const sw = <u32>load<u16>(vcpu, FSW);
  const n = numberOf(sw, 0);
  const m = numberOf(sw, i);
  const tags = <u32>load<u16>(vcpu, FTW);
  if ((tags >> (n << 1)) & 2) {
    exactFstSti(i, pops);
    return;
  }
  put(vcpu + (m << 4), sigOf(vcpu + (n << 4)), seOf(vcpu + (n << 4)));
  const used = tags & ~(3 << (m << 1));
  store<u16>(vcpu, pops ? used | (3 << (n << 1)) : used, FTW);
  store<u16>(vcpu, pops ? (sw & 0xc5ff) | (((n + 1) & 7) << 11) : sw & ~C1, FSW);
}
export function exactFstSti(i: u32, pops: u32): void {
  if (isEmpty(0)) {
    if (!stackFault(false)) return;
  } else {
    begin();
    commit();
    const p = st(0);
    setR(sigOf(p), seOf(p));
  }
  put(st(i), R.sig, R.se);
  markUsed(i);
  if (pops) pop();
}
/** D9 D8+i: FSTP that raises no stack fault; an empty ST(0) is only popped. */
export function fstpNoCheck(i: u32): void {
  begin();
  commit();
  if (!isEmpty(0)) {
    const p = st(0);
    put(st(i), sigOf(p), seOf(p));
    markUsed(i);
  }
  pop();
}
export function fxch(i: u32): void {
  const sw = <u32>load<u16>(vcpu, FSW);
  const n = numberOf(sw, 0);
  const m = numberOf(sw, i);
  if (!inUse(load<u16>(vcpu, FTW), n, m)) {
    exactFxch(i);
    return;
  }
  store<u16>(vcpu, sw & ~C1, FSW);
  const p = vcpu + (n << 4);
  const q = vcpu + (m << 4);
  const sig = sigOf(p);
  const se = seOf(p);
  put(p, sigOf(q), seOf(q));
  put(q, sig, se);
}
export function exactFxch(i: u32): void {
  if (isEmpty(0) || isEmpty(i)) {
    const e0 = isEmpty(0);
    const ei = isEmpty(i);
    if (!stackFault(false)) return;
    if (e0) put(st(0), R.sig, R.se);
    if (ei) put(st(i), R.sig, R.se);
    markUsed(0);
    markUsed(i);
  } else {
    begin();
    commit();
  }
  const p = st(0);
  const q = st(i);
  const sig = sigOf(p);
  const se = seOf(p);
  put(p, sigOf(q), seOf(q));
  put(q, sig, se);
}

// ---- control --------------------------------------------------------------------------------------------------------
/** FFREE (0), FFREEP (1). */
export function ffree(i: u32, pops: u32): void {
  const n = (((<u32>load<u16>(vcpu, FSW)) >> 11) + i) & 7;
  store<u16>(vcpu, <u32>load<u16>(vcpu, FTW) | (3 << (n << 1)), FTW);
  store<u16>(vcpu, <u32>load<u16>(vcpu, FSW) & ~C1, FSW);
  if (pops) pop();
}
function moveTop(by: u32): void {
  const sw = <u32>load<u16>(vcpu, FSW);
  store<u16>(vcpu, (sw & 0xc5ff) | ((sw + (by << 11)) & 0x3800), FSW);
}
export function fincstp(): void {
  moveTop(1);
}
export function fdecstp(): void {
  moveTop(7);
}
/** ES went to 0: FERR# too, where the chipset listens to it. */
function errorCleared(): void {
  if (!(load<u64>(vcpu, CR0) & 0x20)) ferr(false);
}
export function fninit(): void {
  errorCleared();
  store<u16>(vcpu, 0x37f, FCW);
  store<u16>(vcpu, 0, FSW);
  store<u16>(vcpu, 0xffff, FTW);
  store<u16>(vcpu, 0, FOP);
  store<u64>(vcpu, 0, FIP);
  store<u64>(vcpu, 0, FDP);
  store<u16>(vcpu, 0, FCS);
  store<u16>(vcpu, 0, FDS);
}
export function fnclex(): void {
  store<u16>(vcpu, load<u16>(vcpu, FSW) & 0x7f00, FSW);
  errorCleared();
}
/** Recomputes ES and B after the control or status word was loaded. */
export function updateSummary(): void {
  const sw = <u32>load<u16>(vcpu, FSW) & 0x7f7f;
  store<u16>(vcpu, sw & ~(<u32>load<u16>(vcpu, FCW)) & 0x3f ? sw | 0x8080 : sw, FSW);
  if (!(load<u16>(vcpu, FSW) & 0x80)) errorCleared();
}
export function fldcw(x: u32): void {
  store<u16>(vcpu, (x & 0x1f7f) | 0x40, FCW);
  updateSummary();
}
export function fnstcw(): u16 {
  return load<u16>(vcpu, FCW);
}
export function fnstsw(): u16 {
  return load<u16>(vcpu, FSW);
}
/** FNOP and the 8087 instructions FENI, FDISI, FSETPM. */
export function fnop(): void {}
