// What the looking commands give, as plain data: the monitor prints it, the inspector of the page draws it. Addresses are bigints (linear and
// physical space are wider than a number is exact); registers of controllers and counts are numbers.

/** Where a guest-physical address leads in the frame pool of the page (GPA -> HPA). */
export interface Place {
  /** ram, rom, memory of a device (video memory), or registers of a device (bus) with no frame behind them. */
  readonly kind: "ram" | "rom" | "device" | "bus";
  /** Address of the frame in the pool's WebAssembly.Memory; null for "bus". */
  readonly frame: number | null;
  readonly writable: boolean;
  readonly dirty: boolean;
  /** Its contents have not been fetched or unpacked yet. */
  readonly packed: boolean;
}
export type PagingMode = "off" | "32-bit" | "pae" | "4-level";
export interface WalkLevel {
  readonly name: "PML4" | "PDPT" | "PD" | "PT";
  /** Physical address of the table. */
  readonly table: bigint;
  readonly index: number;
  /** Physical address of the entry. In PAE mode the processor uses its copy of the four PDPT entries, made when CR3 was loaded. */
  readonly at: bigint;
  readonly bytes: 4 | 8;
  readonly entry: bigint;
  /** Names of the bits that are set, as in SDM 3A table 4-15 ff. */
  readonly bits: readonly string[];
  readonly leads: "table" | "page" | "absent" | "reserved";
  /** Physical address of the next table or of the page. */
  readonly target: bigint | null;
}
export interface Walk {
  readonly linear: bigint;
  readonly mode: PagingMode;
  readonly levels: readonly WalkLevel[];
  readonly physical: bigint | null;
  readonly pageBytes: number;
  readonly rights: { readonly write: boolean; readonly user: boolean; readonly execute: boolean } | null;
  /** Why there is no physical address. */
  readonly why: "absent" | "reserved" | "non-canonical" | null;
  readonly place: Place | null;
}

export interface SymbolAt {
  readonly name: string;
  readonly offset: number;
}
export interface CodeLine {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly symbol: SymbolAt | null;
  /** Where a jump or call with a fixed address leads. */
  readonly target: SymbolAt | null;
  /** Numbers of the breakpoints on it. */
  readonly breakpoints: readonly number[];
  /** "region": WebAssembly was made of it; "decoded": it stands in the cache of decoded blocks. */
  readonly code: "region" | "decoded" | null;
}
export interface CodeListing {
  /** The next instruction of the processor. */
  readonly ip: bigint;
  readonly bits: 16 | 32 | 64;
  /** Of the code segment: what instructions call an address counts from here. */
  readonly base: bigint;
  readonly lines: readonly CodeLine[];
  /** Where the listing ended because nothing is mapped. */
  readonly unmapped: bigint | null;
}
export interface MemoryBytes {
  readonly address: bigint;
  readonly physical: boolean;
  /** -1: nothing is mapped there, -2: registers of a device, which are not read. */
  readonly bytes: readonly number[];
}

export type DescriptorKind = "null" | "code" | "data" | "ldt" | "tss" | "call-gate" | "task-gate" | "interrupt-gate" | "trap-gate" | "reserved";
export interface Descriptor {
  readonly index: number;
  /** What a segment register holds to mean it; the vector in an IDT. */
  readonly selector: number;
  readonly raw: bigint;
  /** Upper half of the 16-byte ones. */
  readonly high: bigint | null;
  readonly kind: DescriptorKind;
  readonly bits: 16 | 32 | 64 | null;
  readonly present: boolean;
  readonly dpl: number;
  /** Segments: where it begins, and the last offset. */
  readonly base: bigint | null;
  readonly limit: bigint | null;
  /** Gates: where it leads. */
  readonly target: { readonly selector: number; readonly offset: bigint; readonly symbol: SymbolAt | null } | null;
  /** Gates of 64-bit mode: number of the stack in the TSS, 0 for none. */
  readonly ist: number;
  readonly busy: boolean;
  readonly flags: readonly ("accessed" | "readable" | "writable" | "conforming" | "expand-down")[];
  /** Segment registers that hold it. */
  readonly held: readonly string[];
}
export interface DescriptorTable {
  readonly name: "GDT" | "LDT" | "IDT" | "IVT";
  readonly base: bigint;
  readonly limit: number;
  readonly entries: readonly Descriptor[];
  /** Entries behind what can be read. */
  readonly unreadable: number;
}
export interface TaskState {
  readonly selector: number;
  readonly base: bigint;
  readonly limit: number;
  readonly bits: 16 | 32 | 64 | null;
  readonly fields: readonly { readonly name: string; readonly value: bigint }[];
  /** Ports that the bitmap opens to all rings, as ranges. */
  readonly openPorts: readonly (readonly [from: number, to: number])[];
}

/** A process of a running Linux (its first thread). */
export interface LinuxTask {
  readonly pid: number;
  readonly comm: string;
  /** Its task_struct, where the symbol init_task says how far before the name it begins. */
  readonly task: bigint | null;
  /** Physical address of its page tables, as CR3 has it without its low bits; null for kernel threads, which borrow one. */
  readonly cr3: bigint | null;
  /** The processor runs on its page tables now. */
  readonly current: boolean;
}

export interface InterruptGate {
  readonly vector: number;
  /** Linear address of the entry in the IDT (or the vectors of real mode). */
  readonly at: bigint;
  readonly kind: DescriptorKind;
  readonly present: boolean;
  /** Linear address of the handler, where the gate leads to one directly. */
  readonly handler: bigint | null;
  readonly symbol: SymbolAt | null;
}
export interface Interrupts {
  /** Master and slave of the 8259 pair. */
  readonly pic: readonly { readonly base: number; readonly irr: number; readonly isr: number; readonly imr: number; readonly elcr: number }[];
  readonly ioApic: readonly { readonly pin: number; readonly vector: number; readonly masked: boolean; readonly level: boolean; readonly waiting: boolean; readonly delivery: number; readonly destination: number }[];
  readonly local: { readonly enabled: boolean; readonly tpr: number; readonly ppr: number; readonly irr: readonly number[]; readonly isr: readonly number[]; readonly lvt: readonly number[]; readonly timer: { readonly initial: number; readonly current: number } } | null;
  /** Global system interrupts: how often each line rose, and its level now. */
  readonly lines: readonly { readonly rises: number; readonly high: boolean }[];
  /** How often the processor acknowledged each vector that it ever did, and from whom: 0 the 8259 pair, 1 the local APIC. */
  readonly vectors: readonly { readonly vector: number; readonly by: 0 | 1; readonly count: number }[];
  /** Where vectors that were taken, or that a controller may give now, lead. */
  readonly gates: readonly InterruptGate[];
  readonly taken: number;
}
export interface PciFunctionInfo {
  readonly slot: number;
  readonly function: number;
  readonly vendor: number;
  readonly device: number;
  readonly subsystem: readonly [vendor: number, device: number];
  /** Class and subclass. */
  readonly classCode: number;
  readonly progIf: number;
  readonly revision: number;
  readonly command: number;
  readonly irqPin: number;
  readonly irqLine: number;
  /** Its id among the machine's devices. */
  readonly id: string;
  readonly bars: readonly { readonly index: number; readonly kind: string; readonly length: number; readonly at: number }[];
}
export interface MapRange {
  readonly from: number;
  /** Last address. */
  readonly to: number;
  readonly kind: Place["kind"];
  readonly writable: boolean;
}
export interface MachineMap {
  readonly memory: readonly MapRange[];
  readonly ports: readonly { readonly from: number; readonly to: number }[];
}
