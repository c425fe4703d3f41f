// Guest-physical memory over the frame pool (architecture 4): RAM frames, device frames (video memory, ROM), chipset shadowing, and the map
// page -> frame that core reads at P2M_BASE. Core data lies below POOL_BASE in the same WebAssembly.Memory.

import type { MapRange, Place } from "../../src/contract/inspect.ts";
import { FaultError } from "../../src/contract/schema.ts";
import type { MappedRam } from "../platform/types.ts";
import {
  CODE_BASE,
  P2M_BASE,
  P2M_DIRTY,
  P2M_LAZY,
  P2M_PAGES,
  P2M_PRESENT,
  P2M_ROM,
  P2M_WRITE_BUS,
  POOL_BASE,
} from "./core/layout.ts";
import type { GuestMemory } from "./cpu.ts";

const PAGE = 4096;
const WASM_PAGE = 65536;
const MAXIMUM_WASM_PAGES = 65536;

/** What core must be told; attached once the processor exists. */
export interface MemoryListener {
  mappingsChanged(): void;
  hostWritten(host: number, size: number): void;
  /** Call `firstWrite` before clean pages are written. */
  watchWrites(on: boolean): void;
}
interface Overlay {
  readonly frame: number;
  readonly rom: boolean;
}

/** The memory of one page or process: core data and pool. Grows as frames are taken. */
export function createMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: POOL_BASE / WASM_PAGE, maximum: MAXIMUM_WASM_PAGES, shared: true });
}

export class PoolMemory implements GuestMemory {
  readonly memory: WebAssembly.Memory;
  private listener: MemoryListener | null = null;
  private top = POOL_BASE;
  private bytes: Uint8Array;
  private readonly p2m: Uint32Array;
  private readonly codeLines: BigUint64Array;
  /** Frame address of RAM behind each page, 0 where there is none. */
  private readonly ram = new Uint32Array(P2M_PAGES);
  /** Shadow mode per page: bit 0 reads go to the bus, bit 1 writes do. */
  private readonly shadow = new Uint8Array(P2M_PAGES);
  private readonly overlays = new Map<number, Overlay[]>();
  /** 1: RAM of this page is still packed (see `defer`). */
  private readonly lazy = new Uint8Array(P2M_PAGES);
  /** 1: RAM of this page was written, noted when its map entry changed before anybody asked. */
  private readonly written = new Uint8Array(P2M_PAGES);
  private fill: (page: number) => void = () => {};
  private lazyPages = 0;
  private readonly runs: [first: number, pages: number][] = [];
  /** Nothing has been written to RAM, and the processor has not run: nobody need look for written pages. */
  private untouched = true;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.bytes = new Uint8Array(memory.buffer);
    this.p2m = new Uint32Array(memory.buffer, P2M_BASE, P2M_PAGES);
    this.codeLines = new BigUint64Array(memory.buffer, CODE_BASE, 0x100000);
  }
  attach(listener: MemoryListener): void {
    this.listener = listener;
  }
  /** Bytes taken from the pool. */
  get used(): number {
    return this.top - POOL_BASE;
  }
  private take(length: number, what: string): number {
    const at = this.top;
    const end = at + length;
    if (end > MAXIMUM_WASM_PAGES * WASM_PAGE)
      throw new FaultError(
        "memory.pool",
        `${what} needs ${Math.ceil(length / 1048576)} MiB, but the frame pool has only ${Math.floor((MAXIMUM_WASM_PAGES * WASM_PAGE - at) / 1048576)} MiB left.`,
        "Choose less memory: a browser tab can hold about 3.8 GiB in all.",
      );
    const have = this.memory.buffer.byteLength;
    if (end > have) {
      try {
        this.memory.grow(Math.ceil((end - have) / WASM_PAGE));
      } catch {
        throw new FaultError(
          "memory.host",
          `The host refused ${Math.ceil(length / 1048576)} MiB for ${what}.`,
          "Close other tabs, or choose less memory.",
        );
      }
      this.bytes = new Uint8Array(this.memory.buffer);
    }
    this.top = end;
    return at;
  }
  addRam(physical: number, length: number): void {
    const frame = this.take(length, "RAM");
    const first = physical / PAGE;
    if (first + length / PAGE > P2M_PAGES)
      throw new FaultError("memory.pool", `RAM at ${physical.toString(16)} lies beyond the ${P2M_PAGES * 4} KiB of guest-physical space.`);
    for (let n = 0; n < length / PAGE; n++) this.ram[first + n] = frame + n * PAGE;
    this.runs.push([first, length / PAGE]);
    this.runs.sort((a, b) => a[0] - b[0]);
    this.refresh(first, length / PAGE);
  }
  allocate(length: number, kind: "ram" | "rom"): MappedRam {
    const size = Math.ceil(length / PAGE) * PAGE;
    const frame = this.take(size, "a device");
    const bytes = new Uint8Array(this.memory.buffer, frame, size);
    const pages = size / PAGE;
    const dirty = new Uint32Array(Math.ceil(pages / 32));
    let at = -1;
    const overlays: Overlay[] = Array.from({ length: pages }, (_, n) => ({ frame: frame + n * PAGE, rom: kind === "rom" }));
    const unmap = () => {
      if (at < 0) return;
      for (let n = 0; n < pages; n++) {
        const list = this.overlays.get(at + n) ?? [];
        const left = list.filter((o) => o !== overlays[n]);
        if (left.length) this.overlays.set(at + n, left);
        else this.overlays.delete(at + n);
      }
      this.refresh(at, pages);
      at = -1;
    };
    return {
      bytes,
      map: (physical) => {
        unmap();
        at = physical / PAGE;
        for (let n = 0; n < pages; n++) this.overlays.set(at + n, [...(this.overlays.get(at + n) ?? []), overlays[n] as Overlay]);
        this.refresh(at, pages);
      },
      unmap,
      takeDirty: () => {
        dirty.fill(0);
        if (at < 0) return dirty;
        let any = false;
        for (let n = 0; n < pages; n++) {
          const entry = this.p2m[at + n] as number;
          if (entry & P2M_DIRTY) {
            dirty[n >> 5] = (dirty[n >> 5] as number) | (1 << (n & 31));
            this.p2m[at + n] = entry & ~P2M_DIRTY;
            any = true;
          }
        }
        if (any) this.listener?.mappingsChanged();
        return dirty;
      },
    };
  }
  setShadow(physical: number, length: number, reads: "ram" | "bus", writes: "ram" | "bus"): void {
    const mode = (reads === "bus" ? 1 : 0) | (writes === "bus" ? 2 : 0);
    this.shadow.fill(mode, physical / PAGE, (physical + length) / PAGE);
    this.refresh(physical / PAGE, length / PAGE);
  }
  private refresh(first: number, pages: number): void {
    // This goes over all RAM when it is added, in code that has just begun to run: a look into an empty map is most of it.
    const overlaid = this.overlays.size > 0;
    for (let page = first; page < first + pages && page < P2M_PAGES; page++) {
      const list = overlaid ? this.overlays.get(page) : undefined;
      const overlay = list?.[list.length - 1];
      const ram = this.ram[page] as number;
      const shadow = this.shadow[page] as number;
      let entry = 0;
      if (ram && !(shadow & 1)) entry = ram | P2M_PRESENT | (shadow & 2 ? P2M_WRITE_BUS : 0) | (this.lazy[page] ? P2M_LAZY : 0);
      else if (overlay) entry = overlay.frame | P2M_PRESENT | (overlay.rom ? P2M_ROM : 0);
      const old = this.p2m[page] as number;
      if ((old & ~P2M_DIRTY) === entry) continue;
      if (old & P2M_DIRTY && ram && (old & ~0xfff) >>> 0 === ram) this.written[page] = 1;
      this.p2m[page] = entry;
    }
    this.listener?.mappingsChanged();
  }
  readable(address: number): boolean {
    return (this.entry(address) & P2M_PRESENT) !== 0;
  }
  place(address: number): Place {
    const page = Math.floor(address / PAGE);
    const entry = page < P2M_PAGES ? (this.p2m[page] as number) : 0;
    if (!(entry & P2M_PRESENT)) return { kind: "bus", frame: null, writable: true, dirty: false, packed: false };
    const frame = (entry & ~0xfff) >>> 0;
    const kind = entry & P2M_ROM ? "rom" : frame === this.ram[page] ? "ram" : "device";
    return { kind, frame, writable: (entry & (P2M_ROM | P2M_WRITE_BUS)) === 0, dirty: (entry & P2M_DIRTY) !== 0, packed: (entry & P2M_LAZY) !== 0 };
  }
  /** What answers where, as ranges in rising order; registers of devices are not listed (the bus knows them). */
  ranges(): MapRange[] {
    const out: { from: number; to: number; kind: Place["kind"]; writable: boolean }[] = [];
    for (let page = 0; page < P2M_PAGES; page++) {
      if (!((this.p2m[page] as number) & P2M_PRESENT)) continue;
      const { kind, writable } = this.place(page * PAGE);
      const last = out[out.length - 1];
      if (last && last.to + 1 === page * PAGE && last.kind === kind && last.writable === writable) last.to += PAGE;
      else out.push({ from: page * PAGE, to: page * PAGE + PAGE - 1, kind, writable });
    }
    return out;
  }
  read(address: number, into: Uint8Array): void {
    let done = 0;
    while (done < into.length) {
      const at = address + done;
      const n = Math.min(into.length - done, PAGE - (at % PAGE));
      const entry = this.entry(at);
      if (entry & P2M_PRESENT) {
        const host = (entry & ~0xfff) >>> 0;
        const from = host + (at % PAGE);
        into.set(this.bytes.subarray(from, from + n), done);
      } else into.fill(0xff, done, done + n);
      done += n;
    }
  }
  /** The processor is about to run. */
  touch(): void {
    this.untouched = false;
  }
  write(address: number, from: Uint8Array): void {
    this.untouched = false;
    let done = 0;
    while (done < from.length) {
      const at = address + done;
      const n = Math.min(from.length - done, PAGE - (at % PAGE));
      const entry = this.entry(at);
      if ((entry & (P2M_PRESENT | P2M_ROM | P2M_WRITE_BUS)) === P2M_PRESENT) {
        const host = ((entry & ~0xfff) >>> 0) + (at % PAGE);
        if (!(entry & P2M_DIRTY) && this.firstWrite !== null) this.firstWrite(Math.floor(at / PAGE));
        this.bytes.set(from.subarray(done, done + n), host);
        this.p2m[Math.floor(at / PAGE)] = entry | P2M_DIRTY;
        if (this.codeLines[(host - POOL_BASE) >>> 12]) this.listener?.hostWritten(host, n);
      }
      done += n;
    }
  }
  private entry(address: number): number {
    const page = Math.floor(address / PAGE);
    if (page >= P2M_PAGES) return 0;
    const entry = this.p2m[page] as number;
    return entry & P2M_LAZY ? this.pageIn(page) : entry;
  }

  // ---- snapshots -----------------------------------------------------------------------------------------------------

  /** Runs of pages of RAM in rising order. */
  ramRuns(): readonly (readonly [first: number, pages: number])[] {
    return this.runs;
  }
  hasRam(page: number): boolean {
    return this.ram[page] !== 0;
  }
  isDeferred(page: number): boolean {
    return this.lazy[page] === 1;
  }
  /** The bytes of a page of RAM as they are in its frame (stale while it is deferred), whatever hides it from the guest. */
  frame(page: number): Uint8Array {
    const at = this.ram[page] as number;
    return this.bytes.subarray(at, at + PAGE);
  }
  /** The bytes of pages of RAM whose frames lie side by side, as `frame` gives those of one; null where they do not, or there is no RAM. */
  frames(first: number, pages: number): Uint8Array | null {
    const at = this.ram[first] as number;
    if (at === 0) return null;
    for (let n = 1; n < pages; n++) if (this.ram[first + n] !== at + n * PAGE) return null;
    return this.bytes.subarray(at, at + pages * PAGE);
  }
  /** Pages of RAM written since the last call: `found` is called for each. */
  takeWritten(found: (page: number) => void): void {
    if (this.untouched) return;
    let any = false;
    const { p2m, ram, written } = this;
    for (const [first, pages] of this.runs)
      for (let page = first; page < first + pages; page++) {
        const entry = p2m[page] as number;
        const dirty = (entry & P2M_DIRTY) !== 0 && (entry & ~0xfff) >>> 0 === ram[page];
        if (dirty) {
          p2m[page] = entry & ~P2M_DIRTY;
          any = true;
        }
        if (dirty || written[page]) found(page);
      }
    this.written.fill(0);
    if (any) this.listener?.mappingsChanged();
  }
  /** RAM of a page gets other contents from outside; whoever asks takeWritten() sees it. Decoded code is the caller's business. */
  putFrame(page: number, bytes: Uint8Array): void {
    this.untouched = false;
    this.frame(page).set(bytes);
    this.written[page] = 1;
  }
  /** Told before a clean page is written (by the guest or a device), while somebody keeps checkpoints. */
  firstWrite: ((page: number) => void) | null = null;
  /** From now on each page is clean, and `told` is called before the first write to it; null ends that. Whoever asks takeWritten() sees all the same. */
  watchFirstWrites(told: ((page: number) => void) | null): void {
    this.firstWrite = told;
    this.listener?.watchWrites(told !== null);
    if (told === null) return;
    const { p2m, ram, written } = this;
    for (const [first, pages] of this.runs)
      for (let page = first; page < first + pages; page++) {
        const entry = p2m[page] as number;
        if (!(entry & P2M_DIRTY) || (entry & ~0xfff) >>> 0 !== ram[page]) continue;
        p2m[page] = entry & ~P2M_DIRTY;
        written[page] = 1;
      }
    this.listener?.mappingsChanged();
  }
  /** From now on these runs of pages (first, last + 1) of RAM get their contents when they are first touched: `fill(page)` writes frames and calls `arrived`. */
  defer(runs: Iterable<readonly [from: number, end: number]>, fill: (page: number) => void): void {
    this.fill = fill;
    const { p2m, ram, lazy } = this;
    for (const [from, end] of runs) {
      for (let page = from; page < end; page++) {
        if (!lazy[page]) this.lazyPages++;
        const entry = p2m[page] as number;
        if (entry & P2M_PRESENT && (entry & ~0xfff) >>> 0 === ram[page]) p2m[page] = (entry & ~P2M_DIRTY) | P2M_LAZY;
      }
      lazy.fill(1, from, end);
      this.written.fill(0, from, end);
    }
    this.listener?.mappingsChanged();
  }
  arrived(page: number): void {
    if (this.lazy[page]) this.lazyPages--;
    this.lazy[page] = 0;
    this.p2m[page] = (this.p2m[page] as number) & ~P2M_LAZY;
  }
  /** Bytes of RAM that nobody has touched since they were deferred. */
  get deferred(): number {
    return this.lazyPages * PAGE;
  }
  /** Core (and DMA) touched a deferred page. */
  pageIn(page: number): number {
    this.fill(page);
    if (this.lazy[page]) throw new Error(`page ${page} did not arrive`);
    return this.p2m[page] as number;
  }
}
