// The trace bus as both sides see it: the kinds of event (one row each), filters, and the ring in shared memory. Panels, lessons, profilers and
// exports read this and nothing else; the writer is workers/machine/trace.ts. Nobody waits for a reader: the newest events overwrite the oldest, and
// each reader is told how many it lost.
// Buffer: Int32 head[16] (version, capacity, kinds, words per event) · Int32 enable[64] · Float64 written[8] (events so far, 7 spare) ·
// Float64 counts[64] · Float64 limited[64] (kept out by a rate) · Float64 ring[capacity][8]: guest ns, instructions, kind + 256 * processor + 65536 * (device + 1),
// a, b, c, linear address of the instruction, number of the event + 1 (written last).

/** How a field is read. linear: a canonical address as a signed number (the upper half of 64-bit space is negative), exact. */
export type TraceForm = "number" | "hex" | "linear" | "physical" | "port" | "vector" | "mode";
export interface TraceKind {
  readonly summary: string;
  readonly a?: string;
  readonly b?: string;
  readonly c?: string;
  /** Forms of a, b and c; "number" where left out. */
  readonly as?: readonly TraceForm[];
  /**
   * What it costs while it is on. seam: the processor has left its code anyway (devices, interrupts). event: a call at each event, which are
   * rare against instructions. slow: the guest runs differently (stores to page tables leave the fast path, runs end at milestones).
   */
  readonly cost: "seam" | "event" | "slow";
}
export const traceKinds = {
  "cpu.reset": { summary: "processor reset", cost: "seam" },
  "cpu.mode": { summary: "mode changed", a: "mode: 0 real, 1 virtual-8086, 2 protected 16-bit, 3 protected 32-bit, 4 compatibility, 5 64-bit", b: "CR0", c: "EFER", as: ["mode", "hex", "hex"], cost: "event" },
  "cpu.ring": { summary: "privilege level changed", a: "ring", b: "ring before", cost: "event" },
  "cpu.cr3": { summary: "address space switched", a: "CR3", b: "CR3 before", as: ["physical", "physical"], cost: "event" },
  "cpu.exception": { summary: "exception raised", a: "vector", b: "error code, -1: none", c: "CR2 of a page fault", as: ["vector", "hex", "linear"], cost: "event" },
  "cpu.software": { summary: "INT n, INT3 or INTO", a: "vector", as: ["vector"], cost: "event" },
  "cpu.handler": { summary: "handler of an interrupt or exception entered", a: "vector", b: "interrupted address", c: "handler", as: ["vector", "linear", "linear"], cost: "event" },
  "cpu.iret": { summary: "IRET done", a: "address returned to", b: "ring", as: ["linear"], cost: "event" },
  "cpu.halt": { summary: "HLT or MWAIT", a: "0 = HLT, 1 = MWAIT", cost: "event" },
  "cpu.wake": { summary: "an interrupt ended HLT", cost: "event" },
  "insn.milestone": { summary: "so many instructions were executed (every=N sets how many)", a: "instructions", cost: "slow" },
  "insn.at": { summary: "an instruction of the filter's addresses is about to be executed", a: "address", as: ["linear"], cost: "slow" },
  "tlb.fill": { summary: "translation put into the TLB", a: "linear address", b: "physical address", c: "access (0 read, 1 write, 2 execute) + 16 * context + 256 for a large page", as: ["linear", "physical", "hex"], cost: "event" },
  "tlb.flush": { summary: "TLB flushed", a: "0 = all, 1 = one page", b: "linear address", as: ["number", "linear"], cost: "event" },
  "page.write": { summary: "page-table entry written", a: "physical address of the entry", b: "value, bits 0-31", c: "bits 32-63", as: ["physical", "hex", "hex"], cost: "slow" },
  "pio.read": { summary: "port read", a: "port", b: "value", c: "width in bytes", as: ["port", "hex"], cost: "seam" },
  "pio.write": { summary: "port write", a: "port", b: "value", c: "width in bytes", as: ["port", "hex"], cost: "seam" },
  "mmio.read": { summary: "memory-mapped read", a: "physical address", b: "value", c: "width in bytes", as: ["physical", "hex"], cost: "seam" },
  "mmio.write": { summary: "memory-mapped write", a: "physical address", b: "value", c: "width in bytes", as: ["physical", "hex"], cost: "seam" },
  "irq.line": { summary: "interrupt line changed", a: "line (GSI)", b: "level", cost: "seam" },
  "irq.route": { summary: "the I/O APIC, or a device by message, asked for a vector", a: "vector", b: "pin of the I/O APIC, -1: a message", as: ["vector"], cost: "seam" },
  "irq.request": { summary: "a controller noted a request (IRR)", a: "vector", b: "0 = 8259 pair, 1 = local APIC", as: ["vector"], cost: "seam" },
  "irq.accept": { summary: "the processor acknowledged a request (IRR to ISR)", a: "vector", b: "0 = 8259 pair, 1 = local APIC", as: ["vector"], cost: "seam" },
  "irq.eoi": { summary: "end of interrupt (ISR cleared)", a: "vector", b: "0 = 8259 pair, 1 = local APIC", as: ["vector"], cost: "seam" },
  "block.read": { summary: "disk read", a: "sector", b: "sectors", cost: "seam" },
  "block.write": { summary: "disk write", a: "sector", b: "sectors", cost: "seam" },
  "dma.transfer": { summary: "DMA", a: "physical address", b: "bytes", c: "1 = to memory", as: ["physical"], cost: "seam" },
  "serial.byte": { summary: "byte sent on a serial port", a: "byte", as: ["hex"], cost: "seam" },
  "serial.in": { summary: "byte received on a serial port", a: "byte", as: ["hex"], cost: "seam" },
  "speaker.tone": { summary: "the PC speaker's tone changed", a: "Hz, 0: silent", cost: "seam" },
  "code.decode": { summary: "block decoded", a: "linear address", b: "instructions", c: "bytes", as: ["linear"], cost: "event" },
  "code.write": { summary: "decoded code was overwritten", a: "offset in its page", b: "bytes", as: ["hex"], cost: "event" },
  "jit.module": { summary: "translated regions were installed", a: "regions", b: "bytes of WebAssembly", c: "microseconds to make it", cost: "seam" },
  "guest.odd": { summary: "the guest did something odd", a: "detail", as: ["hex"], cost: "seam" },
  "device.missing": { summary: "a behaviour that we lack was asked for", cost: "seam" },
} as const satisfies { readonly [name: string]: TraceKind };
export type TraceName = keyof typeof traceKinds;
export const traceNames = Object.keys(traceKinds) as TraceName[];
const indexByName = new Map<string, number>(traceNames.map((name, i) => [name, i]));
/** The number of a kind in the buffer. */
export function traceKind(name: TraceName): number {
  return indexByName.get(name) as number;
}
export const modeNames = ["real", "virtual-8086", "protected 16-bit", "protected 32-bit", "compatibility", "64-bit"] as const;

export interface TraceEvent {
  readonly atNs: number;
  /** Instructions executed since power-on. */
  readonly instructions: number;
  readonly kind: TraceName;
  readonly cpu: number;
  /** Which device (its place in `info qtree`) it is from; -1 for the processor and the wires. */
  readonly device: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** Linear address of the instruction, signed as all linear addresses. */
  readonly ip: number;
}
/** What is let through of the kinds it was given for. */
export interface TraceFilter {
  /** Range of `a`, both ends included (addresses, ports, vectors, lines, sectors: whatever `a` is). */
  readonly from?: number;
  readonly to?: number;
  readonly cpu?: number;
  /** Events of a kind per second of guest time at most. */
  readonly rate?: number;
  /** One event of so many; for insn.milestone: instructions between two. */
  readonly every?: number;
}

// ---- the buffer --------------------------------------------------------------------------------------------------------

export const TRACE_VERSION = 2;
export const TRACE_KINDS = 64;
export const TRACE_WORDS = 8;
const ENABLE = 64;
const WRITTEN = ENABLE + TRACE_KINDS * 4;
const COUNTS = WRITTEN + 64;
const LIMITED = COUNTS + TRACE_KINDS * 8;
const RING = LIMITED + TRACE_KINDS * 8;
export function traceBytes(capacity: number): number {
  return RING + capacity * TRACE_WORDS * 8;
}
export interface TraceViews {
  readonly head: Int32Array;
  readonly enable: Int32Array;
  readonly written: Float64Array;
  readonly counts: Float64Array;
  readonly limited: Float64Array;
  readonly ring: Float64Array;
}
export function traceViews(buffer: ArrayBufferLike, capacity: number): TraceViews {
  return {
    head: new Int32Array(buffer, 0, 16),
    enable: new Int32Array(buffer, ENABLE, TRACE_KINDS),
    written: new Float64Array(buffer, WRITTEN, 8),
    counts: new Float64Array(buffer, COUNTS, TRACE_KINDS),
    limited: new Float64Array(buffer, LIMITED, TRACE_KINDS),
    ring: new Float64Array(buffer, RING, capacity * TRACE_WORDS),
  };
}

/** Reads a trace buffer; several readers do not disturb each other or the writer. */
export class TraceReader {
  protected readonly views: TraceViews;
  readonly capacity: number;

  constructor(buffer: ArrayBufferLike) {
    const head = new Int32Array(buffer, 0, 16);
    if (head[0] !== TRACE_VERSION || head[3] !== TRACE_WORDS) throw new Error(`trace buffer of version ${head[0]}`);
    this.capacity = head[1] as number;
    this.views = traceViews(buffer, this.capacity);
  }
  /** Events written so far. */
  get end(): number {
    return this.views.written[0] as number;
  }
  /** How often a kind was seen. Kinds of cost "seam" always count, the others while they are on. */
  count(name: TraceName): number {
    return this.views.counts[traceKind(name)] as number;
  }
  /** How many events of a kind a rate kept out. */
  limited(name: TraceName): number {
    return this.views.limited[traceKind(name)] as number;
  }
  isOn(name: TraceName): boolean {
    return this.views.enable[traceKind(name)] !== 0;
  }
  /** Every kind with its count so far. */
  counts(): readonly (readonly [TraceName, number])[] {
    return traceNames.map((name) => [name, this.count(name)] as const);
  }
  /** The newest `most` events, oldest first. */
  recent(most = this.capacity): TraceEvent[] {
    return this.since(this.end - Math.min(most, this.capacity, this.end)).events;
  }
  /** Up to `most` events from number `from` on (0 is the first ever), the number of the next one, and how many were overwritten unread. */
  since(from: number, most = Infinity): { readonly events: TraceEvent[]; readonly end: number; readonly lost: number } {
    const { ring } = this.views;
    const { end } = this;
    const start = Math.max(from, end - this.capacity);
    const stop = Math.min(end, start + most);
    const events: TraceEvent[] = [];
    let lost = start - from;
    for (let n = start; n < stop; n++) {
      const at = (n % this.capacity) * TRACE_WORDS;
      const v = (i: number) => ring[at + i] as number;
      const event = { atNs: v(0), instructions: v(1), kind: traceNames[v(2) & 255] as TraceName, cpu: Math.floor(v(2) / 256) & 255, device: Math.floor(v(2) / 65536) - 1, a: v(3), b: v(4), c: v(5), ip: v(6) };
      // Overwritten while it was copied.
      if (v(7) !== n + 1) lost++;
      else events.push(event);
    }
    return { events, end: stop, lost };
  }
}

// ---- as text -----------------------------------------------------------------------------------------------------------

/** A field as people read it. */
export function traceField(form: TraceForm | undefined, value: number): string {
  switch (form) {
    case "linear":
    case "physical":
    case "port":
    case "hex":
    case "vector":
      return value < 0 && form !== "linear" ? String(value) : `0x${BigInt.asUintN(64, BigInt(Math.trunc(value))).toString(16)}`;
    case "mode":
      return modeNames[value] ?? String(value);
    default:
      return String(value);
  }
}
/** The kinds that patterns (with * and ?) name; null for the first pattern that names none. */
export function matchKinds(patterns: readonly string[]): { readonly kinds: readonly TraceName[] } | { readonly unknown: string } {
  const kinds = new Set<TraceName>();
  for (const pattern of patterns) {
    const expression = new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".")}$`);
    // "irq" means all of that family.
    const found = traceNames.filter((name) => expression.test(name) || name.startsWith(`${pattern}.`));
    if (found.length === 0) return { unknown: pattern };
    for (const name of found) kinds.add(name);
  }
  return { kinds: [...kinds] };
}
