// The processes of a running Linux: number, name and page tables of each, found in its memory, so that an address space has a name. Where fields lie in
// task_struct and mm_struct (include/linux/sched.h, mm_types.h) differs from kernel to kernel, so no offset is written here: each is found from what must
// hold of it, beginning at the name of the idle process (init_task's comm, "swapper"), and a kernel in which something does not hold is refused.
// Left out: threads (they share the address space that is named after their first), kernel threads have no address space of their own.

import type { LinuxTask, PagingMode } from "../../src/contract/inspect.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { kernelImage } from "./kallsyms.ts";
import { kernelView } from "./linux-view.ts";
import { type Looked, readMemory, type Readable } from "./look.ts";
import { pagingMode } from "./page-walk.ts";
import type { Symbols } from "./symbols.ts";

/** More than a task_struct has before its name. */
const BEFORE_COMM = 8192;
const MM_BYTES = 1024;
const COMM_BYTES = 16;
const MOST_TASKS = 4096;
const FRAME = 0xffffffffff000n;
const IDLE = new TextEncoder().encode("swapper");
const none = (what: string) => new FaultError("symbols.tasks", `The processes of a running Linux were not found: ${what}.`, "Ask when Linux has started.");

class Reader {
  readonly view: Readable;
  readonly word: 4 | 8;
  constructor(view: Readable, word: 4 | 8) {
    this.view = view;
    this.word = word;
  }
  at(address: bigint): bigint | null {
    const bytes = readMemory(this.view, address, this.word);
    return bytes && this.of(bytes, 0);
  }
  of(bytes: Uint8Array, at: number): bigint {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return this.word === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
  }
  int(address: bigint): number | null {
    const bytes = readMemory(this.view, address, 4);
    return bytes && new DataView(bytes.buffer).getInt32(0, true);
  }
}
/** A name of a process: printable up to its end, which there must be; null for anything else. */
function commOf(bytes: Uint8Array | null): string | null {
  const end = bytes?.indexOf(0) ?? -1;
  if (!bytes || end < 1) return null;
  const name = bytes.subarray(0, end);
  return name.every((b) => b >= 32 && b < 127) ? String.fromCharCode(...name) : null;
}
/** All offsets count from a task's name, downwards. */
interface Found {
  /** Where the idle process has its name. */
  readonly idle: bigint;
  readonly tasks: number;
  readonly pid: number;
  readonly mm: number;
  /** In mm_struct. */
  readonly pgd: number;
}
/** Addresses of the names of all tasks in the ring of list_heads that lies `offset` before each; null where it is none, or of other things. */
function ring(r: Reader, idle: bigint, offset: number): bigint[] | null {
  const head = idle - BigInt(offset);
  const out: bigint[] = [];
  for (let at = r.at(head), before = head; at !== head; ) {
    if (at === null || out.length > MOST_TASKS || r.at(at + BigInt(r.word)) !== before) return null;
    if (commOf(readMemory(r.view, at + BigInt(offset), COMM_BYTES)) === null) return null;
    out.push(at + BigInt(offset));
    before = at;
    at = r.at(at);
  }
  return out;
}
/** Page tables of a process, as CR3 would have them: they map the kernel as `kernel` says the running ones do. */
function tables(r: Reader, mode: PagingMode, mm: bigint, pgd: number, kernel: (top: bigint) => boolean): bigint | null {
  const at = r.at(mm + BigInt(pgd));
  if (at === null || at === 0n || at & (mode === "pae" ? 31n : 0xfffn)) return null;
  const physical = r.view.cpu.translate(at);
  return physical !== null && kernel(at) ? physical : null;
}
function find(r: Reader, mode: PagingMode, idle: bigint, same: (top: bigint) => boolean): Found | null {
  const { word } = r;
  const first = (idle & -BigInt(word)) - BigInt(BEFORE_COMM);
  const bytes = readMemory(r.view, first, BEFORE_COMM);
  if (!bytes) return null;
  // tasks: of all rings through tasks the longest (others hold a part of them).
  let names: readonly bigint[] = [];
  let tasks = 0;
  for (let at = 0; at + 2 * word <= bytes.length; at += word) {
    const next = r.of(bytes, at);
    const here = first + BigInt(at);
    if (next === here || next === 0n || r.at(next + BigInt(word)) !== here) continue;
    const found = ring(r, idle, Number(idle - here));
    if (found && found.length > names.length) [names, tasks] = [found, Number(idle - here)];
  }
  if (names.length < 2) return null;
  // pid, tgid: the first process that was made is 1, the second 2; a process's own number is its group's.
  let pid = 0;
  for (let o = tasks; pid === 0 && o > 4; o -= 4) {
    const numbers = names.map((n) => r.int(n - BigInt(o)));
    if (numbers[0] === 1 && numbers[1] === 2 && r.int(idle - BigInt(o)) === 0 && new Set(numbers).size === numbers.length && names.every((n, k) => r.int(n - BigInt(o - 4)) === numbers[k])) pid = o;
  }
  if (pid === 0) return null;
  // mm, active_mm: the same in processes, nothing and a borrowed one in kernel threads; and pgd in what they point to.
  for (let o = tasks; o > 2 * word; o -= word) {
    const own = names.map((n) => r.at(n - BigInt(o)));
    const processes = own.filter((m): m is bigint => m !== null && m !== 0n);
    if (processes.length === 0 || processes.length === own.length || !own.every((m, k) => m === 0n || m === r.at((names[k] as bigint) - BigInt(o - word)))) continue;
    for (let pgd = 0; pgd < MM_BYTES; pgd += word) if (processes.every((m) => tables(r, mode, m, pgd, same) !== null)) return { idle, tasks, pid, mm: o, pgd };
  }
  return null;
}
/** The frame that the top-level tables at `at` map an address by; null where they do not. */
function topEntry(view: Readable, mode: PagingMode, at: bigint, address: bigint): bigint | null {
  const [shift, mask, size] = mode === "4-level" ? [39n, 511n, 8] : mode === "pae" ? [30n, 3n, 8] : [22n, 1023n, 4];
  const bytes = readMemory(view, at + ((address >> shift) & mask) * BigInt(size), size);
  if (!bytes) return null;
  const data = new DataView(bytes.buffer);
  const entry = size === 8 ? data.getBigUint64(0, true) : BigInt(data.getUint32(0, true));
  return entry & 1n ? entry & FRAME : null;
}
/** Where kernels were found to have things, by machine; looked at again before it is believed. */
const known = new WeakMap<object, Found>();

export function linuxTasks(looked: Looked, symbols: Symbols): readonly LinuxTask[] {
  const registers = looked.cpu.registers();
  const mode = pagingMode(registers);
  if (mode === "off") throw none("paging is off");
  const r = new Reader(kernelView(looked), mode === "4-level" ? 8 : 4);
  const nameAt = (at: bigint) => commOf(readMemory(r.view, at, COMM_BYTES));
  const here = registers.cr3 & (mode === "pae" ? 0xffffffe0n : FRAME);
  const physical: Readable = { memory: looked.memory, cpu: { translate: (at) => at } };
  // With page-table isolation the kernel's tables are the page below those of ring 3 (linux-view.ts).
  const maps = (idle: bigint) => [here, here & ~0x1000n].map((top) => topEntry(physical, mode, top, idle));
  const found = ((): Found => {
    const before = known.get(looked.cpu);
    if (before && nameAt(before.idle)?.startsWith("swapper") && ring(r, before.idle, before.tasks)) return before;
    const image = kernelImage(looked);
    if (!image) throw none("no kernel of a Linux is mapped");
    const { bytes, from } = image;
    for (let at = bytes.indexOf(IDLE[0] as number); at >= 0; at = bytes.indexOf(IDLE[0] as number, at + 1)) {
      if (at % 4 || !IDLE.every((b, n) => bytes[at + n] === b) || (bytes[at + 7] !== 0 && bytes[at + 7] !== 0x2f)) continue;
      const idle = from + BigInt(at);
      const kernel = maps(idle);
      const made = find(r, mode, idle, (top) => kernel.includes(topEntry(r.view, mode, top, idle)));
      if (!made) continue;
      known.set(looked.cpu, made);
      return made;
    }
    throw none("nothing in memory looks like its idle process");
  })();
  const kernel = maps(found.idle);
  const init = symbols.address("init_task");
  const start = init !== null && init < found.idle && found.idle - init < BigInt(BEFORE_COMM) ? found.idle - init : null;
  return [found.idle, ...(ring(r, found.idle, found.tasks) ?? [])].map((name) => {
    const mm = name === found.idle ? 0n : (r.at(name - BigInt(found.mm)) ?? 0n);
    const cr3 = mm === 0n ? null : tables(r, mode, mm, found.pgd, (top) => kernel.includes(topEntry(r.view, mode, top, found.idle)));
    return { pid: r.int(name - BigInt(found.pid)) ?? 0, comm: nameAt(name) ?? "", task: start === null ? null : name - start, cr3, current: cr3 !== null && (cr3 === here || cr3 === (here & ~0x1000n)) };
  });
}
