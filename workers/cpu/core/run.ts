// The interpreter's loop: find the block at RIP, execute its records, look at the attention word between blocks.
// IP holds the fall-through address while a block runs (branches overwrite it); faults take the address from the record.

import { deliverFault, deliverInterrupt, deliverNmi, serviceTrap, trapBefore } from "./interrupts";
import { decodeBlock, firstAlone, limitDecoding } from "./decode";
import { clearFault, faultVector, GP, raiseCode } from "./fault";
import { dropBlocks, dropUsers, findCached, regionEpoch } from "./blocks";
import {
  ARENA_BASE, ATTENTION, ATTENTION_BREAK, ATTENTION_INTR, ATTENTION_KICK, ATTENTION_LOG, ATTENTION_NMI, ATTENTION_SHADOW, ATTENTION_TRAP, BLOCK_COUNT,
  BLOCK_HEADER_SIZE, BLOCK_HITS, BLOCK_INTERPRETED, BLOCK_IP, BLOCK_LENGTH, BLOCK_SPAN, END_ATTENTION, END_BAILED, END_BUDGET, END_FAULTED, END_LINKED, END_STOPPED, END_UNKNOWN, END_UNTRANSLATED, HALTED, ICOUNT, IP, JIT_BAILED, JIT_BAILS, JIT_BAILS_ENTRIES, JIT_ENDS, JIT_QUEUE, JIT_QUEUE_ENTRIES, JIT_QUEUE_LINEAR, LIMIT, LOOKUP_BASE, LOOKUP_SLOT_SIZE, LOOKUP_STRIDE, NMI_STATE, PREFIX_SLOW, REC_END, REC_HANDLER, REC_PREFIX,
  REC_START, SEG_LIMIT, SHADOW_END, SLOT_BLOCK, SLOT_EPOCH, SLOT_HANDLER, SLOT_KEY, SLOT_LINEAR, SLOT_SPAN, VCPU_BASE, VCPU_STRIDE,
} from "./layout";
import { blockMode, codeBase, codeSize, lookupKey, unhalt } from "./mode";
import { EVENT_BLOCK, report } from "./log";
import { endSoftly, executableHost, executableSoftly, lookupGroup } from "./mmu";
import { CS, vcpu } from "./state";
import { forgetTime } from "./time";
import { breaks, takeUnwound, toBreak } from "./watch";

export const EXIT_BUDGET: u32 = 0;
export const EXIT_HALT: u32 = 1;
export const EXIT_KICK: u32 = 2;
export const EXIT_SHUTDOWN: u32 = 3;
export const EXIT_BREAK: u32 = 4;

/** Record being executed (after a block: the one behind the last executed), 0 between blocks as far as anybody but loop() can see. */
export let currentRecord: usize = 0;
let currentBlock: usize = 0;
/** Record whose handler was replaced by the end-of-block handler to stop early, 0: none; and what it was. */
export let stopAt: usize = 0;
let stopped: u32 = 0;
let shutdown: bool = false;
/** Table index of endOfBlock. */
let endHandler: u32 = 0;

/** Handler of the record behind the last one of a block: returns to execute(). */
function endOfBlock(r: usize): void {
  currentRecord = r;
}
export function endHandlerIndex(): u32 {
  return endOfBlock.index;
}
/**
 * How handlers chain: each calls the next record's handler in tail position (scripts/build-core.mjs turns that call into a wasm tail call), so
 * that a block runs without returning to a loop. Handlers that end a block do not chain.
 */
export class Chain {
  /** What may fault, reach the host or ask to stop says first where it stands; plain arithmetic in registers (isa/expand.ts `pure`) does not. */
  @inline static enter(r: usize): void {
    currentRecord = r;
  }
  @inline static next(r: usize): void {
    call_indirect<void>(load<u32>(r, 32), r + 32);
  }
  /** Between the two instructions of a fused handler (isa/fuse.ts): is the block to stop before the second, at `r`? */
  @inline static stops(r: usize): bool {
    return stopAt == r;
  }
  @inline static end(r: usize): void {
    currentRecord = r;
  }
  @inline static last(r: usize): void {
    currentRecord = r + 32;
  }
}
/** Executions after which a block is offered to the translator; 0: never. */
let hotThreshold: u32 = 0;
export function setHotThreshold(n: u32): void {
  hotThreshold = n;
}
/** Instructions after which a run ends that found something hot. */
const SOON: u64 = 10_000;
function enqueueHot(block: usize): void {
  const n = load<u32>(JIT_QUEUE);
  if (n >= JIT_QUEUE_ENTRIES || block < ARENA_BASE) {
    store<u32>(block, 0, BLOCK_HITS);
    return;
  }
  store<u32>(JIT_QUEUE + 4 + (n << 2), block);
  store<u64>(JIT_QUEUE_LINEAR + (n << 3), load<u64>(vcpu, IP) + codeBase);
  store<u32>(JIT_QUEUE, n + 1);
  // The first of them ends the run soon: the translator looks at its queue between runs.
  const soon = load<u64>(vcpu, ICOUNT) + SOON;
  if (!n && soon < load<u64>(vcpu, LIMIT)) store<u64>(vcpu, soon, LIMIT);
}
/** Set by stopBlock(): what tells translated code, whose instructions do not chain through records, to stop. */
export let stopSignal: u32 = 0;
/** Ends the running block after the current instruction (self-modified code, changed mode, pending work). */
export function stopBlock(): void {
  stopSignal = 1;
  if (!currentRecord) return;
  if (stopAt) unstop();
  stopBefore(currentRecord + 32);
}
function stopBefore(record: usize): void {
  if (load<u32>(record) == endHandler) return;
  stopAt = record;
  stopped = load<u32>(record);
  store<u32>(record, endHandler);
}
function unstop(): void {
  if (stopAt) store<u32>(stopAt, stopped);
  stopAt = 0;
}
export function requestShutdown(): void {
  shutdown = true;
}
/** Instructions retired, exact also while one executes. */
export function retired(): u64 {
  let n = load<u64>(vcpu, ICOUNT);
  if (currentRecord) n += (currentRecord - currentBlock - BLOCK_HEADER_SIZE) >> 5;
  return n;
}
export function instructionCount(): f64 {
  return <f64>retired();
}
/** RIP of the instruction being executed. */
export function currentIp(): u64 {
  if (currentRecord) return load<u64>(vcpu, BLOCK_IP) + load<u16>(currentRecord, REC_START);
  return load<u64>(vcpu, IP);
}
/** A task switch made IP the new task's: a fault leaves it so. */
let ipLeft: bool = false;
export function leaveIp(on: bool): void {
  ipLeft = on;
}
/** Leaves the running block because of a fault: RIP and count go back to the faulting instruction. */
export function abandonBlock(): void {
  const left = ipLeft;
  ipLeft = false;
  if (!currentRecord) return;
  if (!left) store<u64>(vcpu, currentIp(), IP);
  store<u64>(vcpu, load<u64>(vcpu, ICOUNT) + ((currentRecord - currentBlock - BLOCK_HEADER_SIZE) >> 5), ICOUNT);
  currentRecord = 0;
  unstop();
}
/** In JIT_BAILED: the region ended with a fault recorded, which is to be delivered. No record has this address. */
const FAULTED: u32 = 1;
/** A region ends because of a recorded fault. */
export function abandonRegion(): void {
  abandonBlock();
  store<u32>(JIT_BAILED, FAULTED);
}
function deliverRecorded(): void {
  deliverFault();
  clearFault();
}
/** A block that ends before the breakpoint `near` bytes ahead; at one: its instruction alone, which is forgotten again. */
function beforeBreak(linear: u64, host: usize, cached: usize, near: u32): usize {
  let block = cached;
  if (block && (!near || load<u16>(block, BLOCK_LENGTH) > near)) {
    dropBlocks(host, 1);
    block = 0;
  }
  if (block) return block;
  limitDecoding(near ? near : 1);
  block = decodeBlock(linear, host);
  if (near || block < ARENA_BASE) return block;
  block = firstAlone(block, ~(<u64>0));
  dropBlocks(host, 1);
  return block;
}
/** 0: a page fault of the fetch is recorded. */
function findBlock(linear: u64, slot: usize): usize {
  const room = <u64>load<u32>(vcpu + (CS << 2), SEG_LIMIT) - load<u64>(vcpu, IP);
  if (codeSize != 2 && <i64>room < 0) raiseCode(GP, 0);
  const host = executableSoftly(linear);
  if (faultVector >= 0) return 0;
  let block: usize = host ? findCached(host, blockMode) : 0;
  const near = breaks && host ? toBreak(linear, host) : -1;
  if (near >= 0) block = beforeBreak(linear, host, block, near);
  else if (!block) block = decodeBlock(linear, host);
  if (codeSize != 2 && <u64>load<u16>(block, BLOCK_LENGTH) - 1 > room) block = firstAlone(block, room);
  if (block >= ARENA_BASE) {
    store<u64>(slot, linear, SLOT_LINEAR);
    store<u32>(slot, lookupKey, SLOT_KEY);
    store<u32>(slot, block, SLOT_BLOCK);
    store<u32>(slot, 0, SLOT_EPOCH);
  }
  return block;
}
/** Between blocks, with something to attend to. Returns an exit code + 1, or 0 to go on; `single` is set for one-step modes. */
let single: bool = false;
function attend(): u32 {
  const a = load<u32>(vcpu, ATTENTION);
  if (a & ATTENTION_BREAK) {
    store<u32>(vcpu, a & ~ATTENTION_BREAK, ATTENTION);
    return EXIT_BREAK + 1;
  }
  if (a & ATTENTION_KICK) {
    store<u32>(vcpu, load<u32>(vcpu, ATTENTION) & ~ATTENTION_KICK, ATTENTION);
    return EXIT_KICK + 1;
  }
  if (a & ATTENTION_SHADOW) {
    store<u32>(vcpu, load<u32>(vcpu, ATTENTION) & ~ATTENTION_SHADOW, ATTENTION);
    single = true;
  } else if (a & (ATTENTION_NMI | ATTENTION_INTR) && load<u64>(vcpu, ICOUNT) == load<u64>(vcpu, SHADOW_END)) single = true;
  else {
    if (a & ATTENTION_NMI && !(load<u32>(vcpu, NMI_STATE) & 2)) {
      unhalt();
      deliverNmi();
      return 0;
    }
    if (a & ATTENTION_INTR) {
      unhalt();
      deliverInterrupt();
      return 0;
    }
  }
  if (load<u32>(vcpu, HALTED)) return EXIT_HALT + 1;
  if (a & ATTENTION_TRAP) single = true;
  return 0;
}
function loop(): u32 {
  const lookup = LOOKUP_BASE + ((<u32>vcpu - VCPU_BASE) / VCPU_STRIDE) * LOOKUP_STRIDE;
  while (true) {
    if (load<u32>(vcpu, ATTENTION)) {
      currentRecord = 0;
      single = false;
      const code = attend();
      if (code) return code - 1;
      if (shutdown) {
        shutdown = false;
        return EXIT_SHUTDOWN;
      }
      // The delivery itself ends the run (a watched vector).
      if (load<u32>(vcpu, ATTENTION) & ATTENTION_BREAK) continue;
      if (load<u64>(vcpu, ICOUNT) >= load<u64>(vcpu, LIMIT)) return EXIT_BUDGET;
      if (single) {
        step(lookup);
        continue;
      }
      // -d; or something stays (an NMI while NMIs are blocked), and translated loops would leave again before they did anything.
      if (load<u32>(vcpu, ATTENTION)) {
        interpretBlock(lookup);
        continue;
      }
    }
    const ip = load<u64>(vcpu, IP);
    const linear = ip + codeBase;
    const slot = Execute.slot(lookup, linear);
    let block: usize = 0;
    let span: u32 = 0;
    if (Execute.knows(slot, linear)) {
      block = load<u32>(slot, SLOT_BLOCK);
      span = load<u16>(block, BLOCK_SPAN);
    }
    if (!span) {
      currentRecord = 0;
      block = findBlock(linear, slot);
      if (!block) {
        deliverRecorded();
        continue;
      }
      span = load<u16>(block, BLOCK_SPAN);
    }
    const icount = load<u64>(vcpu, ICOUNT);
    const limit = load<u64>(vcpu, LIMIT);
    if (icount + span > limit) {
      currentRecord = 0;
      if (icount >= limit) return EXIT_BUDGET;
      const count = <u32>load<u16>(block, BLOCK_COUNT);
      executePart(block, ip, limit - icount < count ? <u32>(limit - icount) : count);
    } else {
      if (hotThreshold) {
        const hits = load<u32>(block, BLOCK_HITS) + 1;
        store<u32>(block, hits, BLOCK_HITS);
        if (hits == hotThreshold) enqueueHot(block);
      }
      Execute.block(block, ip, icount, load<u32>(block, BLOCK_HEADER_SIZE + REC_HANDLER));
    }
  }
}
// ---- translated code ------------------------------------------------------------------------------------------------
// A region of translated code (workers/cpu/jit) keeps registers, flags and the instruction count in locals and leaves them in the state when it
// ends. It ends with currentRecord = 0, which tells Execute.block that count and RIP are already right.

/** Before a call that may fault, do I/O or look at the running instruction: things are as if the interpreter were at `record` of `block`.
 * RIP is not touched: an instruction that ends a block may have stored its target already. */
export function enterRecord(record: usize, block: usize, ip: u64, icount: u64): void {
  store<u64>(vcpu, ip, BLOCK_IP);
  store<u64>(vcpu, icount, ICOUNT);
  currentBlock = block;
  currentRecord = record;
  stopSignal = 0;
}
/** The same before a memory access (region.ts); `ip` and `icount` are the instruction's own: as if it were its block's first. */
export function enterAt(record: usize, ip: u64, icount: u64): void {
  enterRecord(record, record - BLOCK_HEADER_SIZE, ip - load<u16>(record, REC_START), icount);
}
function countEnd(cause: u32): void {
  store<u64>(JIT_ENDS + (cause << 3), load<u64>(JIT_ENDS + (cause << 3)) + 1);
}
/** A region ends with IP and ICOUNT stored: goes on in the translated code there, if nothing else is to be done first. */
export function dispatch(r: usize): void {
  currentRecord = 0;
  if (load<u32>(vcpu, ATTENTION)) {
    countEnd(END_ATTENTION);
    return;
  }
  const lookup = LOOKUP_BASE + ((<u32>vcpu - VCPU_BASE) / VCPU_STRIDE) * LOOKUP_STRIDE;
  const ip = load<u64>(vcpu, IP);
  const linear = ip + codeBase;
  const slot = Execute.slot(lookup, linear);
  if (!Execute.knows(slot, linear)) {
    countEnd(END_UNKNOWN);
    return;
  }
  if (load<u32>(slot, SLOT_EPOCH) != regionEpoch && !learn(slot)) {
    countEnd(END_UNTRANSLATED);
    return;
  }
  if (load<u64>(vcpu, ICOUNT) + load<u32>(slot, SLOT_SPAN) > load<u64>(vcpu, LIMIT)) {
    countEnd(END_BUDGET);
    return;
  }
  countEnd(END_LINKED);
  store<u64>(vcpu, ip, BLOCK_IP);
  call_indirect<void>(load<u32>(slot, SLOT_HANDLER), load<u32>(slot, SLOT_BLOCK) + BLOCK_HEADER_SIZE);
}
/** A slot's block, looked at anew: false when it has no translation. */
function learn(slot: usize): bool {
  const block = <usize>load<u32>(slot, SLOT_BLOCK);
  if (!load<u32>(block, BLOCK_INTERPRETED)) return false;
  store<u32>(slot, regionEpoch, SLOT_EPOCH);
  store<u32>(slot, load<u32>(block, BLOCK_HEADER_SIZE), SLOT_HANDLER);
  store<u32>(slot, load<u16>(block, BLOCK_SPAN), SLOT_SPAN);
  return true;
}
/** A region ends before the instruction of enterAt(), which the interpreter executes. */
export function bail(): void {
  unstop();
  bailAt(currentRecord, currentIp(), load<u64>(vcpu, ICOUNT));
}
/** bailAt() from where the accesses of a region share an end: `site` has the record's address, then from bit 32 the instructions before it (12 bits), and from bit
 * 44 its distance from the region's entry in bytes; `ip` and `icount` are those of the entry. */
export function bailFrom(site: u64, ip: u64, icount: u64): void {
  bailAt(<usize>site, ip + <u64>(<i64>site >> 44), icount + ((site >> 32) & 0xfff));
}
/** A region ends before an instruction whose access left the fast path; the interpreter executes it and what follows in its block. */
export function bailAt(record: usize, ip: u64, icount: u64): void {
  store<u64>(vcpu, ip, IP);
  store<u64>(vcpu, icount, ICOUNT);
  currentRecord = 0;
  store<u32>(JIT_BAILED, record);
}
/** Bails of one record, among BAILS_COUNTED of all, that make its accesses calls. */
const BAILS_TO_SLOW: u32 = 64;
const BAILS_COUNTED: u32 = 4096;
function executeBailed(): void {
  const record: usize = load<u32>(JIT_BAILED);
  store<u32>(JIT_BAILED, 0);
  if (record == FAULTED) {
    countEnd(END_FAULTED);
    deliverRecorded();
    return;
  }
  countEnd(END_BAILED);
  const lookup = LOOKUP_BASE + ((<u32>vcpu - VCPU_BASE) / VCPU_STRIDE) * LOOKUP_STRIDE;
  const ip = load<u64>(vcpu, IP);
  const linear = ip + codeBase;
  const total = load<u32>(JIT_BAILS) + 1;
  store<u32>(JIT_BAILS, total);
  if (total > BAILS_COUNTED) memory.fill(JIT_BAILS, 0, 4 + JIT_BAILS_ENTRIES);
  const count = JIT_BAILS + 4 + ((record >> 5) & (JIT_BAILS_ENTRIES - 1));
  const n = <u32>load<u8>(count) + 1;
  store<u8>(count, <u8>n);
  if (n >= BAILS_TO_SLOW && !(load<u8>(record, REC_PREFIX) & PREFIX_SLOW)) {
    store<u8>(count, 0);
    store<u8>(record, load<u8>(record, REC_PREFIX) | PREFIX_SLOW, REC_PREFIX);
    const host = executableHost(linear);
    const block = host ? findCached(host - load<u16>(record, REC_START), blockMode) : 0;
    if (block) dropUsers(block);
  }
  const block = findBlock(linear, Execute.slot(lookup, linear));
  if (!block) {
    deliverRecorded();
    return;
  }
  const left = load<u64>(vcpu, LIMIT) - load<u64>(vcpu, ICOUNT);
  const most = <u32>load<u16>(block, BLOCK_COUNT);
  executePart(block, ip, left < most ? <u32>left : most);
}
/** A region ends early, after stopBlock(). */
export function leaveStopped(r: usize): void {
  countEnd(END_STOPPED);
  currentRecord = 0;
  stopSignal = 0;
  unstop();
}
/** Raises what a near transfer to a non-canonical or too high target raises. */
export function raiseNear(): void {
  raiseCode(GP, 0);
}
/** Finds and runs a block; static so that the loop has it inline. */
class Execute {
  /** Slot of a linear RIP in the block lookup: its page's group, then its offset. */
  @inline static slot(lookup: usize, linear: u64): usize {
    return lookup + lookupGroup(linear) + ((<usize>linear ^ (<usize>linear >> 5)) & 0x7f) * LOOKUP_SLOT_SIZE;
  }
  /** Whether a slot is this address's, in this mode and address space. */
  @inline static knows(slot: usize, linear: u64): bool {
    return load<u64>(slot, SLOT_LINEAR) == linear && load<u32>(slot, SLOT_KEY) == lookupKey;
  }
  @inline static block(block: usize, ip: u64, icount: u64, handler: u32): void {
    store<u64>(vcpu, ip, BLOCK_IP);
    store<u64>(vcpu, ip + load<u16>(block, BLOCK_LENGTH), IP);
    currentBlock = block;
    const first = block + BLOCK_HEADER_SIZE;
    currentRecord = first;
    call_indirect<void>(handler, first);
    const reached = currentRecord;
    if (!reached) {
      if (load<u32>(JIT_BAILED)) executeBailed();
      return;
    }
    store<u64>(vcpu, icount + ((reached - first) >> 5), ICOUNT);
    if (stopAt) stoppedEarly(ip, reached);
  }
}
function stoppedEarly(ip: u64, reached: usize): void {
  store<u64>(vcpu, ip + load<u16>(reached - 32, REC_END), IP);
  unstop();
}
/** The first `count` instructions of a block. */
function executePart(block: usize, ip: u64, count: u32): void {
  const last = block + BLOCK_HEADER_SIZE + ((count - 1) << 5);
  stopBefore(last + 32);
  const own = load<u32>(block, BLOCK_INTERPRETED);
  Execute.block(block, ip, load<u64>(vcpu, ICOUNT), own ? own : load<u32>(block, BLOCK_HEADER_SIZE + REC_HANDLER));
  currentRecord = 0;
  unstop();
}
/** One block by its own handlers; for -d it is reported first. */
function interpretBlock(lookup: usize): void {
  const ip = load<u64>(vcpu, IP);
  const linear = ip + codeBase;
  const block = findBlock(linear, Execute.slot(lookup, linear));
  if (!block) {
    deliverRecorded();
    return;
  }
  const count = <u32>load<u16>(block, BLOCK_COUNT);
  const left = load<u64>(vcpu, LIMIT) - load<u64>(vcpu, ICOUNT);
  const most = left < count ? <u32>left : count;
  if (load<u32>(vcpu, ATTENTION) & ATTENTION_LOG) report(EVENT_BLOCK, most, load<u16>(block + BLOCK_HEADER_SIZE + ((most - 1) << 5), REC_END), ip);
  executePart(block, ip, most);
}
/** One instruction: interrupt shadow, trap flag, debug registers. */
function step(lookup: usize): void {
  if (breaks && !findBlock(load<u64>(vcpu, IP) + codeBase, Execute.slot(lookup, load<u64>(vcpu, IP) + codeBase))) {
    deliverRecorded();
    return;
  }
  if (!trapBefore()) return;
  const ip = load<u64>(vcpu, IP);
  const linear = ip + codeBase;
  const slot = Execute.slot(lookup, linear);
  const block = findBlock(linear, slot);
  if (!block) {
    deliverRecorded();
    return;
  }
  if (load<u32>(vcpu, ATTENTION) & ATTENTION_LOG) report(EVENT_BLOCK, 1, load<u16>(block + BLOCK_HEADER_SIZE, REC_END), ip);
  executePart(block, ip, 1);
  serviceTrap();
}
/** Runs until `budget` more instructions are retired or something else ends the run. */
export function run(budget: f64): u32 {
  endHandler = endOfBlock.index;
  forgetTime(false);
  store<u64>(vcpu, load<u64>(vcpu, ICOUNT) + <u64>budget, LIMIT);
  return loop();
}
/** Goes on after an unwound fault: delivers it (it may unwind again: double fault, then shutdown), then runs on. */
export function resume(): u32 {
  endSoftly();
  if (takeUnwound()) return EXIT_BREAK;
  if (faultVector >= 0) {
    abandonBlock();
    deliverRecorded();
  }
  if (shutdown) {
    shutdown = false;
    return EXIT_SHUTDOWN;
  }
  return loop();
}
