// The decoded-block cache: blocks keyed by host address of their first byte (so physical: they survive address-space switches),
// chained per hash and per frame. Writes to frames with code arrive in blockWritten(), which drops exactly the blocks that overlap.

import {
  ARENA_BASE, ARENA_SIZE, BLOCK_COUNT, BLOCK_FRAME_NEXT, BLOCK_HASH_NEXT, BLOCK_HEADER_SIZE, BLOCK_HITS, BLOCK_HOST,
  BLOCK_INTERPRETED, BLOCK_LENGTH, BLOCK_MODE, BLOCK_SPAN, BLOCK_USERS, BLOCKS_CACHED, JIT_FREED, JIT_QUEUE_ENTRIES, CODE_BASE, COUNTERS, FRAME_BLOCKS_BASE, FRAME_WRITES_BASE, HASH_BASE, HASH_ENTRIES, JIT_QUEUE, LOOKUP_BASE, LOOKUP_STRIDE, POOL_BASE,
  VCPU_MAX, TRACE_CODE_WRITE,
} from "./layout";
import { codeLines, forgetWrites } from "./mmu";
import { stopBlock } from "./run";
import { vcpu } from "./state";
import { emit, tracing } from "./watch";

/** Next free byte of the arena. */
export let arenaTop: usize = ARENA_BASE;
/** Frames that have ever held code since the last flush: highest list slot touched (bounds the flush). */
let highestFrame: usize = 0;

function hashSlot(host: usize): usize {
  return HASH_BASE + (((host ^ (host >> 16)) & (HASH_ENTRIES - 1)) << 2);
}
function frameList(host: usize): usize {
  return FRAME_BLOCKS_BASE + (((host - POOL_BASE) >> 12) << 2);
}
export function findCached(host: usize, mode: u32): usize {
  let b: usize = load<u32>(hashSlot(host));
  while (b) {
    if (load<u32>(b, BLOCK_HOST) == host && load<u16>(b, BLOCK_MODE) == mode) return b;
    b = load<u32>(b, BLOCK_HASH_NEXT);
  }
  return 0;
}
/** Room for a block of up to 64 records; flushes everything when the arena is full. */
export function reserve(): usize {
  if (arenaTop + 4096 > ARENA_BASE + ARENA_SIZE) flushBlocks();
  return arenaTop;
}
/** Counts flushes: the translator forgets what it made before one. */
export let flushes: u32 = 0;
export function flushBlocks(): void {
  arenaTop = ARENA_BASE;
  flushes++;
  store<u32>(JIT_FREED, 0);
  store<u32>(JIT_QUEUE, 0);
  // Ten megabytes that a machine at its start has never touched: zeros that the host need not make.
  if (load<u32>(BLOCKS_CACHED)) {
    memory.fill(HASH_BASE, 0, HASH_ENTRIES << 2);
    memory.fill(FRAME_BLOCKS_BASE, 0, (highestFrame + 1) << 2);
    memory.fill(CODE_BASE, 0, (highestFrame + 1) << 3);
    memory.fill(LOOKUP_BASE, 0, LOOKUP_STRIDE * VCPU_MAX);
    store<u32>(BLOCKS_CACHED, 0);
  }
  stopBlock();
}
export function linesOf(offset: u32, length: u32): u64 {
  const first = <u64>(offset >> 6);
  const last = <u64>((offset + length - 1) >> 6);
  const upTo: u64 = last == 63 ? ~(<u64>0) : ((<u64>1) << (last + 1)) - 1;
  return upTo & ~(((<u64>1) << first) - 1);
}
/** Enters a finished block (records already at `block` + header). */
export function publish(block: usize, host: usize, mode: u32, count: u32, length: u32): void {
  store<u32>(block, host, BLOCK_HOST);
  store<u16>(block, <u16>mode, BLOCK_MODE);
  store<u16>(block, <u16>count, BLOCK_SPAN);
  store<u16>(block, <u16>count, BLOCK_COUNT);
  store<u16>(block, <u16>length, BLOCK_LENGTH);
  store<u32>(block, 0, BLOCK_HITS);
  store<u32>(block, 0, BLOCK_USERS);
  store<u32>(block, 0, BLOCK_INTERPRETED);
  store<u32>(BLOCKS_CACHED, 1);
  const h = hashSlot(host);
  store<u32>(block, load<u32>(h), BLOCK_HASH_NEXT);
  store<u32>(h, block);
  const f = frameList(host);
  store<u32>(block, load<u32>(f), BLOCK_FRAME_NEXT);
  store<u32>(f, block);
  const frame = (host - POOL_BASE) >> 12;
  if (frame > highestFrame) highestFrame = frame;
  const lines = codeLines(host);
  const had = load<u64>(lines);
  store<u64>(lines, had | linesOf(<u32>host & 0xfff, length));
  if (!had) forgetWrites(host);
  arenaTop = block + BLOCK_HEADER_SIZE + ((count + 1) << 5);
  const counter = vcpu + COUNTERS;
  store<u64>(counter, load<u64>(counter, 24) + 1, 24);
}
function unhash(block: usize): void {
  const h = hashSlot(load<u32>(block, BLOCK_HOST));
  let b: usize = load<u32>(h);
  if (b == block) {
    store<u32>(h, load<u32>(b, BLOCK_HASH_NEXT));
    return;
  }
  while (b) {
    const next: usize = load<u32>(b, BLOCK_HASH_NEXT);
    if (next == block) {
      store<u32>(b, load<u32>(next, BLOCK_HASH_NEXT), BLOCK_HASH_NEXT);
      return;
    }
    b = next;
  }
}
// ---- translated regions ---------------------------------------------------------------------------------------------
// A region is entered through the first record of its entry block. Every block it contains lists it, so that a write to any of them
// takes the translation away.

/** Records that `entry`, whose translation is `handler`, contains `block`. False: no room. */
export function addUser(block: usize, entry: usize): bool {
  if (arenaTop + 4096 > ARENA_BASE + ARENA_SIZE) return false;
  const node = arenaTop;
  arenaTop += 32;
  store<u32>(node, entry);
  store<u32>(node, load<u32>(block, BLOCK_USERS), 4);
  store<u32>(block, node, BLOCK_USERS);
  return true;
}
/** Counts removals: what the dispatcher's slots know of translations holds until the next one. Never 0. */
export let regionEpoch: u32 = 1;
/** The translation `handler` takes the place of the entry block's first handler. */
export function installRegion(entry: usize, handler: u32, span: u32): void {
  store<u32>(entry, load<u32>(entry, BLOCK_HEADER_SIZE), BLOCK_INTERPRETED);
  store<u32>(entry, handler, BLOCK_HEADER_SIZE);
  store<u16>(entry, <u16>span, BLOCK_SPAN);
}
/** The entry block is interpreted again; its function's table index goes to the translator for reuse. */
export function removeRegion(entry: usize): void {
  const own = load<u32>(entry, BLOCK_INTERPRETED);
  if (!own) return;
  if (!++regionEpoch) {
    regionEpoch = 1;
    memory.fill(LOOKUP_BASE, 0, LOOKUP_STRIDE * VCPU_MAX);
  }
  const n = load<u32>(JIT_FREED);
  if (n < JIT_QUEUE_ENTRIES) {
    store<u32>(JIT_FREED + 4 + (n << 2), load<u32>(entry, BLOCK_HEADER_SIZE));
    store<u32>(JIT_FREED, n + 1);
  }
  store<u32>(entry, own, BLOCK_HEADER_SIZE);
  store<u32>(entry, 0, BLOCK_INTERPRETED);
  store<u32>(entry, 0, BLOCK_HITS);
  store<u16>(entry, load<u16>(entry, BLOCK_COUNT), BLOCK_SPAN);
}
/** The regions that contain the block go. */
export function dropUsers(block: usize): void {
  removeRegion(block);
  let node: usize = load<u32>(block, BLOCK_USERS);
  while (node) {
    removeRegion(load<u32>(node));
    node = load<u32>(node, 4);
  }
  store<u32>(block, 0, BLOCK_USERS);
}
/** Writes beside the code of a frame that make its blocks be dropped: from then on writes are fast until code runs there again. */
const WRITES_TO_DROP: u32 = 256;

/** A write to a frame with code that hit no code line. Stale code (a freed page) must not slow its frame for ever. */
export function wroteBesideCode(host: usize): void {
  const at = FRAME_WRITES_BASE + (((host - POOL_BASE) >> 12) << 1);
  const n = <u32>load<u16>(at) + 1;
  if (n < WRITES_TO_DROP) store<u16>(at, <u16>n);
  else {
    store<u16>(at, 0);
    // The code itself is as it was: what runs goes on.
    dropBlocks(host & ~0xfff, 4096);
  }
}
/** `size` bytes at `host` (within one frame) were written, and the frame holds code. */
export function blockWritten(host: usize, size: u32): void {
  const offset = <u32>host & 0xfff;
  const lines = codeLines(host);
  if (!(load<u64>(lines) & linesOf(offset, size))) {
    wroteBesideCode(host);
    return;
  }
  if (!dropBlocks(host, size)) return;
  if (tracing & TRACE_CODE_WRITE) emit(TRACE_CODE_WRITE, <f64>offset, <f64>size, 0);
  stopBlock();
}
/** Blocks that overlap the bytes go, with the regions that contain them. False: there were none. */
export function dropBlocks(host: usize, size: u32): bool {
  const offset = <u32>host & 0xfff;
  const list = frameList(host);
  let b: usize = load<u32>(list);
  let previous: usize = 0;
  let left: u64 = 0;
  let dropped = false;
  while (b) {
    const next: usize = load<u32>(b, BLOCK_FRAME_NEXT);
    const start = load<u32>(b, BLOCK_HOST) & 0xfff;
    const length = <u32>load<u16>(b, BLOCK_LENGTH);
    if (start < offset + size && offset < start + length) {
      dropped = true;
      unhash(b);
      dropUsers(b);
      store<u16>(b, 0, BLOCK_COUNT);
      store<u16>(b, 0, BLOCK_SPAN);
      if (previous) store<u32>(previous, next, BLOCK_FRAME_NEXT);
      else store<u32>(list, next);
      const counter = vcpu + COUNTERS;
      store<u64>(counter, load<u64>(counter, 32) + 1, 32);
    } else {
      left |= linesOf(start, length);
      previous = b;
    }
    b = next;
  }
  store<u64>(codeLines(host), left);
  return dropped;
}
