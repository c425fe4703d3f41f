// A region: hot blocks that jump to and call each other, entered through one of them, as a control-flow graph. Blocks of other pages belong to it by
// linear distance: an edge into such a page asks the TLB whether the page is still the one that was gathered. Edges that would make the graph
// irreducible are dropped (they leave the region). Structured control follows the dominator tree (Ramsey, "Beyond Relooper", ICFP 2022).

import {
  BLOCK_COUNT,
  BLOCK_HASH_NEXT,
  BLOCK_HEADER_SIZE,
  BLOCK_HITS,
  BLOCK_HOST,
  BLOCK_INTERPRETED,
  FUSE_ALONE,
  FUSE_FUNCTIONS,
  BLOCK_LENGTH,
  BLOCK_MODE,
  HASH_BASE,
  HASH_ENTRIES,
  PREFIX_REP,
  PREFIX_REPNE,
  MODE_COMPATIBILITY,
  MODE_FLAT,
  REC_END,
  REC_FORM,
  REC_HANDLER,
  REC_IMM,
  REC_PREFIX,
  REC_SIZE,
  REC_START,
  RECORD_SIZE,
  SLOT_BLOCK,
} from "../core/layout.ts";
import { ROWS } from "../isa/expand.ts";
import { slotOf, userCode } from "./found.ts";

/** How a block ends. */
export type Ending =
  /** Into the next instruction (the block is full, or the page ends). */
  | { readonly kind: "falls" }
  | { readonly kind: "jumps" }
  | { readonly kind: "condition"; readonly code: number }
  | { readonly kind: "calls" }
  | { readonly kind: "returns" }
  /** Its last instruction decides itself: indirect jumps, system instructions. */
  | { readonly kind: "other" };
export interface Instruction {
  readonly record: number;
  readonly bytes: DataView;
  /** Table index of the interpreter's handler. */
  readonly handler: number;
  /** Offsets in the block. */
  readonly start: number;
  readonly end: number;
}
export interface Node {
  readonly block: number;
  /** Distance in bytes from the region's entry. */
  readonly delta: number;
  /** Host address, and linear page counted from the entry's. */
  readonly host: number;
  readonly page: number;
  readonly instructions: readonly Instruction[];
  readonly length: number;
  readonly ending: Ending;
  /** Distance of the jump's target from the region's entry, and of the following instruction. */
  readonly targetDelta: number;
  readonly nextDelta: number;
  /** The jump's target is in the same page as the jump. */
  readonly targetNear: boolean;
  /** Nodes, or -1: outside. */
  target: number;
  next: number;
  /** Behind the calls of the region: where its returns may go. */
  sites: number[];
  // Derived.
  order: number;
  dominator: number;
  children: number[];
  loop: boolean;
  merge: boolean;
  predecessors: number[];
}
export interface Region {
  readonly entry: number;
  readonly mode: number;
  readonly nodes: readonly Node[];
  /** Instructions of all blocks: no path without a back-edge retires more. */
  readonly span: number;
}
const MOST_BLOCKS = 24;
const MOST_INSTRUCTIONS = 200;
/** Return addresses that a return compares with. */
const MOST_SITES = 4;
/** 64-bit code, as a block's mode. */
export const WIDE = 2;
/** Flat 32-bit code outside long mode: linear addresses, in the TLB too, have 32 bits. */
export const NARROW = 1 | MODE_FLAT;
const COMPATIBILITY = NARROW | MODE_COMPATIBILITY;
export const isFlat32 = (mode: number) => mode === NARROW || mode === COMPATIBILITY;
/** Jump targets need no limit checks. */
export const isFlat = (mode: number) => mode === WIDE || isFlat32(mode);
/** core's codeSize. */
export const codeSizeOf = (mode: number) => (mode === COMPATIBILITY ? 1 : mode & 3);
export const bitsOf = (mode: number) => ([16, 32, 64] as const)[codeSizeOf(mode)] ?? 64;
/** Rows whose near jumps the translator links itself, by number + 1. */
const endings: (Ending | undefined)[] = [undefined];
for (const row of ROWS) {
  const condition = row.raw ? /^j(\d+)$/.exec(row.fn) : null;
  if (condition) endings.push({ kind: "condition", code: Number(condition[1]) });
  else if (row.raw && row.fn === "jmpRel") endings.push({ kind: "jumps" });
  else if (row.raw && row.fn === "callRel") endings.push({ kind: "calls" });
  else if (row.raw && (row.fn === "ret" || row.fn === "retImm")) endings.push({ kind: "returns" });
  else endings.push(row.end ? { kind: "other" } : undefined);
}
/** Functions that set all six flags whatever their operands are; shifts do when their count is a constant that is not 0. */
const OVERWRITE = new Set(["add", "sub", "cmp", "and", "or", "xor", "test", "neg", "imul", "mul", "imul1", "popcount"]);
const SHIFTS = new Set(["shl", "shr", "sar"]);
/** Functions for which the flags are data: they may not be given zeros because the flags they leave are overwritten. */
const FLAGS_AS_DATA = new Set(["lahfOp", "adcx", "adox", "pushf"]);
const rowOf = (bytes: DataView) => ROWS[bytes.getUint16(REC_FORM, true) - 1];
export function takesFlagsAsData(i: Instruction): boolean {
  return FLAGS_AS_DATA.has(rowOf(i.bytes)?.fn ?? "");
}
/** Functions that look at the flags only to keep some of them. */
const FLAGS_KEPT = new Set(["inc", "dec"]);
export function keepsFlags(i: Instruction): boolean {
  return FLAGS_KEPT.has(rowOf(i.bytes)?.fn ?? "");
}
export function overwritesFlags(i: Instruction): boolean {
  const row = rowOf(i.bytes);
  if (!row) return false;
  return OVERWRITE.has(row.fn) || (SHIFTS.has(row.fn) && (row.operands?.endsWith(" one") === true || (row.operands?.endsWith(" Ib") === true && (i.bytes.getUint8(REC_IMM) & 31) !== 0)));
}
const FALLS: Ending = { kind: "falls" };
const OTHER: Ending = { kind: "other" };

/** The decoded block at a host address, or 0. */
function find(view: DataView, host: number, mode: number): number {
  let b = view.getUint32(HASH_BASE + (((host ^ (host >>> 16)) & (HASH_ENTRIES - 1)) << 2), true);
  while (b) {
    if (view.getUint32(b + BLOCK_HOST, true) === host && view.getUint16(b + BLOCK_MODE, true) === mode) return b;
    b = view.getUint32(b + BLOCK_HASH_NEXT, true);
  }
  return 0;
}
/** A decoded block as the translator needs it, apart from shared memory. */
interface BlockCopy {
  readonly block: number;
  readonly delta: number;
  readonly host: number;
  readonly length: number;
  /** Its records, the first with the interpreter's own handler. */
  readonly records: Uint8Array;
}
/** What a region is made of: plain data that can go to another thread. */
export interface RegionSource {
  readonly entry: number;
  readonly entryHost: number;
  /** Linear address at which the entry was found hot; others may lead there too. */
  readonly linear: bigint;
  readonly mode: number;
  readonly blocks: readonly BlockCopy[];
}
function copyBlock(view: DataView, block: number, delta: number): BlockCopy {
  const count = view.getUint16(block + BLOCK_COUNT, true);
  const first = block + BLOCK_HEADER_SIZE;
  const records = new Uint8Array(count * RECORD_SIZE);
  records.set(new Uint8Array(view.buffer, first, records.length));
  const own = view.getUint32(block + BLOCK_INTERPRETED, true);
  const copy = new DataView(records.buffer);
  if (own) copy.setUint32(REC_HANDLER, own, true);
  // Fused handlers are the interpreter's: here each record has its own.
  for (let at = REC_HANDLER; at < records.length; at += RECORD_SIZE) {
    const handler = copy.getUint32(at, true);
    const alone = handler < FUSE_FUNCTIONS ? view.getUint16(FUSE_ALONE + 2 * handler, true) : 0;
    if (alone) copy.setUint32(at, alone, true);
  }
  return { block, delta, host: view.getUint32(block + BLOCK_HOST, true), length: view.getUint16(block + BLOCK_LENGTH, true), records };
}
const STRINGS = new Set(["movs", "stos", "lods", "scas", "cmps"]);
/** A string instruction without REP: it ends its block, but always goes on behind itself. */
function single(bytes: DataView): boolean {
  return STRINGS.has(rowOf(bytes)?.fn ?? "") && !(bytes.getUint8(REC_PREFIX) & (PREFIX_REP | PREFIX_REPNE));
}
/** Linear page of what is `delta` from the entry, counted from the entry's page. */
const pageOf = (delta: number, entryHost: number) => Math.floor(((entryHost & 4095) + delta) / 4096);
function nodeOf(copy: BlockCopy, entryHost: number, mode: number): Node {
  const { block, delta, host, length, records } = copy;
  const first = block + BLOCK_HEADER_SIZE;
  const count = records.length / RECORD_SIZE;
  const instructions: Instruction[] = [];
  for (let n = 0; n < count; n++) {
    const bytes = new DataView(records.buffer, records.byteOffset + n * RECORD_SIZE, RECORD_SIZE);
    instructions.push({
      record: first + n * RECORD_SIZE,
      bytes,
      handler: bytes.getUint32(REC_HANDLER, true),
      start: bytes.getUint16(REC_START, true),
      end: bytes.getUint16(REC_END, true),
    });
  }
  const { bytes } = instructions[count - 1] as Instruction;
  let ending = endings[bytes.getUint16(REC_FORM, true)] ?? FALLS;
  const whole = bytes.getUint8(REC_SIZE) === (mode === WIDE ? 3 : 2);
  if (ending.kind !== "falls" && !(isFlat(mode) && whole)) ending = OTHER;
  if (ending.kind === "other" && isFlat(mode) && single(bytes)) ending = FALLS;
  const nextDelta = delta + length;
  const jumps = ending.kind === "condition" || ending.kind === "jumps" || ending.kind === "calls";
  const targetDelta = jumps ? nextDelta + Number(bytes.getBigInt64(REC_IMM, true)) : 0;
  const page = pageOf(delta, entryHost);
  return {
    block, delta, host, page, instructions, length, ending, targetDelta, nextDelta,
    targetNear: pageOf(targetDelta, entryHost) === page,
    target: -1, next: -1, sites: [], order: -1, dominator: -1, children: [], loop: false, merge: false, predecessors: [],
  };
}
/** Follows the ways out of every node; `reach` gives the node at a distance from the entry, or -1. Nodes may be added meanwhile. */
function connect(nodes: readonly Node[], mode: number, reach: (delta: number) => number): void {
  const sites: number[] = [];
  if (isFlat(mode))
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i] as Node;
      const { kind } = node.ending;
      if (kind === "condition" || kind === "jumps") node.target = reach(node.targetDelta);
      if (kind === "condition" || kind === "falls") node.next = reach(node.nextDelta);
      if (kind === "calls") {
        node.target = reach(node.targetDelta);
        const site = node.target < 0 ? -1 : reach(node.nextDelta);
        if (site >= 0 && !sites.includes(site) && sites.length < MOST_SITES) sites.push(site);
      }
      if (kind === "condition" && node.target === node.next && node.target >= 0) node.next = -1;
    }
  for (const node of nodes) if (node.ending.kind === "returns") node.sites = [...sites];
}
/** Instructions of a block of supervisor code that is copied into a region though it has one of its own. */
const SMALL = 8;
const NONE: ReadonlySet<number> = new Set();
/** The block of user code that the dispatcher's table has for a linear address, in whatever address space it was entered; or 0. A kernel's paths are wide
 * and each is visited seldom: copies of its functions in their callers' regions crowd the host's instruction cache and lose more than the dispatcher costs
 * (measured in a guest: fork, pipes and page faults at half their speed, user calls across pages at four times theirs). */
function dispatched(view: DataView, linear: bigint, mode: number): number {
  const low = Number(linear & 0xfffn);
  if (!userCode(view, linear)) return 0;
  const block = view.getUint32(slotOf(linear) + SLOT_BLOCK, true);
  const fits = block !== 0 && view.getUint16(block + BLOCK_COUNT, true) > 0 && view.getUint16(block + BLOCK_MODE, true) === mode;
  return fits && (view.getUint32(block + BLOCK_HOST, true) & 4095) === low ? block : 0;
}
/** The blocks of the region around a hot block. `linear`: where it was found; `threshold`: executions that made it hot; `elsewhere`: entries of regions in flight. */
export function gatherRegion(view: DataView, entry: number, linear: bigint, threshold: number, elsewhere: ReadonlySet<number> = NONE): RegionSource {
  const entryHost = view.getUint32(entry + BLOCK_HOST, true);
  const mode = view.getUint16(entry + BLOCK_MODE, true);
  const blocks = [copyBlock(view, entry, 0)];
  /** Host page by linear page, once a block of it belongs to the region. */
  const pages = new Map([[0, entryHost & ~4095]]);
  const nodes = [nodeOf(blocks[0] as BlockCopy, entryHost, mode)];
  const byBlock = new Map<number, number>([[entry, 0]]);
  let span = (nodes[0] as Node).instructions.length;
  const shared = !userCode(view, linear);
  const warm = Math.max(1, threshold >> 4);
  connect(nodes, mode, (delta) => {
    const page = pageOf(delta, entryHost);
    const frame = pages.get(page);
    const block = frame === undefined ? dispatched(view, BigInt.asUintN(mode === WIDE ? 64 : 32, linear + BigInt(delta)), mode) : find(view, (frame | (((entryHost & 4095) + delta) & 4095)) >>> 0, mode);
    if (!block) return -1;
    const known = byBlock.get(block);
    if (known !== undefined) return known;
    const count = view.getUint16(block + BLOCK_COUNT, true);
    if (shared && (elsewhere.has(block) || view.getUint32(block + BLOCK_INTERPRETED, true)) && count > SMALL) return -1;
    if (!count || nodes.length >= MOST_BLOCKS || span + count > MOST_INSTRUCTIONS) return -1;
    if (view.getUint32(block + BLOCK_HITS, true) < warm && !view.getUint32(block + BLOCK_INTERPRETED, true)) return -1;
    const copy = copyBlock(view, block, delta);
    pages.set(page, copy.host & ~4095);
    byBlock.set(block, nodes.length);
    blocks.push(copy);
    nodes.push(nodeOf(copy, entryHost, mode));
    span += count;
    return nodes.length - 1;
  });
  return { entry, entryHost, linear, mode, blocks };
}
/** What an installed region was made of, again: its blocks are what they were as long as it is installed. */
export function gatherAgain(view: DataView, entry: number, linear: bigint, blocks: readonly { readonly block: number; readonly delta: number }[]): RegionSource {
  return { entry, entryHost: view.getUint32(entry + BLOCK_HOST, true), linear, mode: view.getUint16(entry + BLOCK_MODE, true), blocks: blocks.map(({ block, delta }) => copyBlock(view, block, delta)) };
}
/** The control-flow graph of gathered blocks. */
export function regionOf(source: RegionSource): Region {
  const { entry, entryHost, mode, blocks } = source;
  const nodes = blocks.map((b) => nodeOf(b, entryHost, mode));
  const byDelta = new Map(blocks.map((b, n) => [b.delta, n]));
  connect(nodes, mode, (delta) => byDelta.get(delta) ?? -1);
  analyse(nodes);
  return { entry, mode, nodes, span: nodes.reduce((n, node) => n + node.instructions.length, 0) };
}
export const successors = (n: Node): number[] => [n.target, n.next, ...n.sites].filter((s) => s >= 0);

/** Orders the graph, finds dominators and loops; drops edges into the middle of a loop. */
function analyse(nodes: Node[]): void {
  for (;;) {
    const post: number[] = [];
    const seen = new Set<number>();
    const visit = (n: number) => {
      seen.add(n);
      for (const s of successors(nodes[n] as Node)) if (!seen.has(s)) visit(s);
      post.push(n);
    };
    visit(0);
    const order = post.reverse();
    for (const node of nodes) {
      node.order = -1;
      node.dominator = -1;
      node.children = [];
      node.loop = node.merge = false;
      node.predecessors = [];
    }
    order.forEach((n, i) => {
      (nodes[n] as Node).order = i;
    });
    for (const n of order) for (const s of successors(nodes[n] as Node)) (nodes[s] as Node).predecessors.push(n);
    (nodes[0] as Node).dominator = 0;
    for (let changed = true; changed; ) {
      changed = false;
      for (const n of order.slice(1)) {
        const node = nodes[n] as Node;
        let best = -1;
        for (const p of node.predecessors) {
          if ((nodes[p] as Node).dominator < 0) continue;
          best = best < 0 ? p : common(nodes, best, p);
        }
        if (node.dominator !== best) {
          node.dominator = best;
          changed = true;
        }
      }
    }
    let dropped = false;
    for (const n of order) {
      const node = nodes[n] as Node;
      for (const way of ["target", "next"] as const) {
        const s = node[way];
        if (s < 0 || (nodes[s] as Node).order > node.order) continue;
        if (dominates(nodes, s, n)) (nodes[s] as Node).loop = true;
        else {
          node[way] = -1;
          dropped = true;
        }
      }
    }
    for (const n of order) {
      const node = nodes[n] as Node;
      node.sites = node.sites.filter((s) => {
        if ((nodes[s] as Node).order > node.order) return true;
        if (!dominates(nodes, s, n)) {
          dropped = true;
          return false;
        }
        (nodes[s] as Node).loop = true;
        return true;
      });
    }
    if (dropped) continue;
    for (const n of order) {
      const node = nodes[n] as Node;
      if (n !== 0) (nodes[node.dominator] as Node).children.push(n);
      node.merge = node.predecessors.filter((p) => (nodes[p] as Node).order < node.order).length > 1;
    }
    return;
  }
}
function common(nodes: readonly Node[], a: number, b: number): number {
  let x = a;
  let y = b;
  while (x !== y) {
    while ((nodes[x] as Node).order > (nodes[y] as Node).order) x = (nodes[x] as Node).dominator;
    while ((nodes[y] as Node).order > (nodes[x] as Node).order) y = (nodes[y] as Node).dominator;
  }
  return x;
}
function dominates(nodes: readonly Node[], a: number, b: number): boolean {
  let x = b;
  while (x !== a) {
    if (x === 0) return false;
    x = (nodes[x] as Node).dominator;
  }
  return true;
}
