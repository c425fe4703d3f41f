// Every shared address, read by asc and tsc alike: integer constants only. layout.test.ts proves that no two regions overlap.
// One WebAssembly.Memory per page: core data low, the frame pool above POOL_BASE (architecture 4).

export const PAGE: u32 = 4096;

// ---- regions --------------------------------------------------------------------------------------------------------
/** asc's own data segment (function references, static data): --memoryBase. */
export const DATA_BASE: u32 = 0x00010000;
export const DATA_SIZE: u32 = 0x00070000;
/** One block of state per vCPU, VCPU_STRIDE apart. */
export const VCPU_BASE: u32 = 0x00080000;
export const VCPU_STRIDE: u32 = 0x00004000;
export const VCPU_MAX: u32 = 8;
/** Decoder tables, written by the host from isa (see isa/README). */
export const DECODE_BASE: u32 = 0x00100000;
export const DECODE_SIZE: u32 = 0x00080000;
/** Fused handlers, inside the decoder's tables, by function index (FUSE_FUNCTIONS of them): the number as a first one and as a second one (u8 each), */
export const FUSE_FUNCTIONS: u32 = 0x2000;
export const FUSE_FIRST: u32 = 0x00144000;
export const FUSE_SECOND: u32 = 0x00146000;
/** for a first and a second number (128 x 128 x u16) the fused handler, */
export const FUSE_PAIRS: u32 = 0x00148000;
/** and for a fused handler that of its first instruction (u16; 0: not fused). */
export const FUSE_ALONE: u32 = 0x00150000;
/** CPUID leaves of the chosen model: records of 6 u32 (leaf, subleaf, eax, ebx, ecx, edx), written by the host. */
export const CPUID_BASE: u32 = 0x00180000;
export const CPUID_SIZE: u32 = 0x00004000;
/** TLB entries that are not global, per vCPU: count (u32), then up to TLB_LOG_MOST entries' addresses. A write of CR3 empties them. */
export const TLB_LOG_BASE: u32 = 0x00188000;
export const TLB_LOG_STRIDE: u32 = 0x00001000;
export const TLB_LOG_MOST: u32 = 1023;
/** Generation of each PCID (u16 x 4096), per vCPU. */
export const PCID_BASE: u32 = 0x001a0000;
export const PCID_STRIDE: u32 = 0x00002000;
/** Decoded page-straddling instructions, by host address of their first byte: STRADDLE_ENTRIES of STRADDLE_SIZE bytes. */
export const STRADDLE_BASE: u32 = 0x001b0000;
export const STRADDLE_ENTRIES: u32 = 256;
export const STRADDLE_SIZE: u32 = 128;
/** Blocks that became hot: count (u32), then up to JIT_QUEUE_ENTRIES block addresses. The host translates and empties it. */
export const JIT_QUEUE: u32 = 0x001b8000;
export const JIT_QUEUE_ENTRIES: u32 = 1023;
/** The linear address at which each of them was found: JIT_QUEUE_ENTRIES x u64. */
export const JIT_QUEUE_LINEAR: u32 = 0x001bc000;
/** Table indices of translated functions whose code was invalidated: count (u32), then up to JIT_QUEUE_ENTRIES indices. */
export const JIT_FREED: u32 = 0x001b9000;
/** u32: the record before which a region ended because the interpreter has to execute it (region.ts); 0: none. */
export const JIT_BAILED: u32 = 0x001ba000;
/** How often that happened lately, by record: u32 total, then JIT_BAILS_ENTRIES x u8 from + 4. */
export const JIT_BAILS: u32 = 0x001ba010;
export const JIT_BAILS_ENTRIES: u32 = 4096;
/** u32: 1 since a block was published; 0: the tables of the block cache hold zeros, as in fresh memory, and a flush leaves them alone. */
export const BLOCKS_CACHED: u32 = 0x001bb800;
/** How regions ended: a u64 for each END_* ... */
export const JIT_ENDS: u32 = 0x001bb840;
/** ... by a link to the next region, work to attend to, a target whose block is not known or not translated, the end of the run, an instruction left to the interpreter, a page fault, a wish to stop. */
export const END_LINKED: u32 = 0;
export const END_ATTENTION: u32 = 1;
export const END_UNKNOWN: u32 = 2;
export const END_UNTRANSLATED: u32 = 3;
export const END_BUDGET: u32 = 4;
export const END_BAILED: u32 = 5;
export const END_FAULTED: u32 = 6;
export const END_STOPPED: u32 = 7;
/** Breakpoints on execution: up to BREAK_MOST of 16 bytes (address u64, 1 = physical u32). */
export const BREAK_LIST: u32 = 0x001be000;
export const BREAK_MOST: u32 = 254;
/** Vectors that end a run when they are delivered: 256 bits. */
export const VECTOR_LIST: u32 = 0x001befe0;
/** Watched data: up to WATCH_MOST of 32 bytes (address u64, length u64, u32: 1 reads, 2 writes, 4 physical). */
export const WATCH_LIST: u32 = 0x001bf000;
export const WATCH_MOST: u32 = 128;
/** One bit per guest-physical page that was used as a page table, while writes to them are traced. */
export const TABLE_PAGES: u32 = 0x001c0000;
/** Scratch for bulk transfers between host and core. */
export const SCRATCH_BASE: u32 = 0x00190000;
export const SCRATCH_SIZE: u32 = 0x00010000;
/** Software TLB: TLB_CONTEXTS tables of TLB_ENTRIES entries per vCPU. */
export const TLB_BASE: u32 = 0x00200000;
export const TLB_ENTRIES: u32 = 4096;
export const TLB_ENTRY_SIZE: u32 = 32;
export const TLB_CONTEXTS: u32 = 4;
export const TLB_STRIDE: u32 = 0x00080000;
/** Linear RIP -> block, direct mapped, per vCPU. */
export const LOOKUP_BASE: u32 = 0x00600000;
/** 256 groups by page, 128 slots by offset: INVLPG clears one group. */
export const LOOKUP_STRIDE: u32 = 0x00100000;
export const LOOKUP_SLOT_SIZE: u32 = 32;
// Offsets in a slot. The last three are what dispatch() needs of the block, so that it touches one line of the host's cache: they hold as long as the epoch is
// the one of regions.
export const SLOT_LINEAR: u32 = 0; // u64
export const SLOT_KEY: u32 = 8; // u32: core/mode.ts lookupKey
export const SLOT_BLOCK: u32 = 12; // u32
export const SLOT_EPOCH: u32 = 16; // u32: regionEpoch of core/blocks.ts; 0 = not known
export const SLOT_HANDLER: u32 = 20; // u32: the block's translation
export const SLOT_SPAN: u32 = 24; // u32: BLOCK_SPAN
/** Host address -> block, chained hash of u32 heads. */
export const HASH_BASE: u32 = 0x00e00000;
export const HASH_ENTRIES: u32 = 0x40000;
/** Decoded blocks: headers and records. */
export const ARENA_BASE: u32 = 0x01000000;
export const ARENA_SIZE: u32 = 0x04000000;
/** Guest-physical page -> frame, one u32 each: frame address | P2M_ flags. */
export const P2M_BASE: u32 = 0x05000000;
export const P2M_PAGES: u32 = 0x00200000;
/** Per frame: which of its 64 lines of 64 bytes hold decoded code (u64). */
export const CODE_BASE: u32 = 0x05800000;
/** Per frame: head of the list of its decoded blocks (u32). */
export const FRAME_BLOCKS_BASE: u32 = 0x06000000;
/** Per frame: slow writes beside its code since its blocks were last dropped (u16). */
export const FRAME_WRITES_BASE: u32 = 0x06800000;
/** The frame pool: 4 KiB frames up to the end of memory. */
export const POOL_BASE: u32 = 0x08000000;

// ---- p2m flags ------------------------------------------------------------------------------------------------------
export const P2M_PRESENT: u32 = 1;
/** Writes are ignored (ROM). */
export const P2M_ROM: u32 = 2;
/** Dirty since the flag was last taken (set when a write translation is made). */
export const P2M_DIRTY: u32 = 4;
/** Reads see the frame, writes go to the MMIO bus. */
export const P2M_WRITE_BUS: u32 = 8;
/** Dirty tracking asked for: write translations are not cached while the page is clean. */
export const P2M_TRACK: u32 = 16;
/** The frame's contents are still packed: host.pageIn puts them there at the first touch. */
export const P2M_LAZY: u32 = 32;

// ---- TLB entry (offsets) --------------------------------------------------------------------------------------------
// A tag is the linear page | generation; compared with (linear + size - 1) so that page-straddling accesses miss.
export const TLB_READ: u32 = 0;
export const TLB_WRITE: u32 = 8;
export const TLB_EXEC: u32 = 16;
/** Host address minus the low 32 bits of the linear page. */
export const TLB_ADDEND: u32 = 24;
export const TLB_INFO: u32 = 28; // 1: writable and dirty, but the frame holds code, so writes go through writeSlow

// ---- vCPU state (offsets from the block) ----------------------------------------------------------------------------
export const GPR: u32 = 0; // 16 x u64: RAX RCX RDX RBX RSP RBP RSI RDI R8-R15
export const ZERO_SLOT: u32 = 128; // always 0: absent base or index
export const BLOCK_IP: u32 = 136; // RIP of the first instruction of the running block (RIP-relative operands)
export const IP: u32 = 144;
export const EFLAGS: u32 = 152; // without the six arithmetic flags, which are lazy
export const LIMIT: u32 = 160; // u64: instruction count at which run() returns
export const SEG_SELECTOR: u32 = 232; // 8 x u16
export const SEG_LIMIT: u32 = 248; // 8 x u32, in bytes
export const SEG_ATTR: u32 = 280; // 8 x u32: descriptor bits 40-55 (type, S, DPL, P, AVL, L, D/B, G); bit 16 = null/unusable
export const GDT_BASE: u32 = 312;
export const GDT_LIMIT: u32 = 320;
export const IDT_BASE: u32 = 328;
export const IDT_LIMIT: u32 = 336;
export const CR0: u32 = 344;
export const CR2: u32 = 352;
export const CR3: u32 = 360;
export const CR4: u32 = 368;
export const EFER: u32 = 384;
export const XCR0: u32 = 392;
export const DR: u32 = 400; // 8 x u64
export const CPL: u32 = 464;
/** Polled at block ends: ATTENTION_ bits set by pins, kicks, other threads. */
export const ATTENTION: u32 = 468;
export const MODE_KEY: u32 = 472;
export const ICOUNT: u32 = 480; // instructions retired up to the start of the running block
export const MSR_STAR: u32 = 488;
export const MSR_LSTAR: u32 = 496;
export const MSR_CSTAR: u32 = 504;
export const MSR_SFMASK: u32 = 512;
export const MSR_KERNEL_GS_BASE: u32 = 520;
export const MSR_SYSENTER_CS: u32 = 528;
export const MSR_SYSENTER_ESP: u32 = 536;
export const MSR_SYSENTER_EIP: u32 = 544;
export const MSR_PAT: u32 = 552;
export const TSC_OFFSET: u32 = 560;
export const MSR_TSC_AUX: u32 = 568;
export const MSR_MISC_ENABLE: u32 = 576;
export const MSR_TSC_ADJUST: u32 = 584;
export const MSR_MTRR_DEF_TYPE: u32 = 592;
export const MSR_MTRR: u32 = 600; // 16 x u64 variable, then 11 x u64 fixed
export const PDPTE: u32 = 824; // 4 x u64, PAE page-directory-pointer registers
export const LAZY_SAVE: u32 = 856; // flagOp, flagA, flagB while not running: 3 x u64
export const FEATURES: u32 = 880; // CPUID feature words of the model: 8 x u32 (see isa/features)
export const A20_MASK: u32 = 912; // u64
export const HALTED: u32 = 920; // u32: 1 after HLT
export const NMI_STATE: u32 = 924; // u32: bit 0 = NMI pending, bit 1 = NMIs blocked until IRET
export const MSR_DEBUGCTL: u32 = 928;
export const MSR_BIOS_SIGN: u32 = 936;
export const COUNTERS: u32 = 944; // 7 x u64: tlb fills, interrupts, exceptions, blocks decoded, smc invalidations, TLB flushes, INVLPGs
export const SHADOW_END: u32 = 1000; // u64: ICOUNT behind the last STI that found nothing waiting: nothing interrupts there
export const RANDOM: u32 = 1008; // u64: state of RDRAND and RDSEED
// x87 and SSE
export const FPR: u32 = 1024; // 8 physical registers of 16 bytes: significand u64, sign and exponent u16 at +8
export const FCW: u32 = 1152;
export const FSW: u32 = 1154; // TOP in bits 11-13, as in the status word
export const FTW: u32 = 1156; // full tag word, 2 bits per physical register (00 valid 01 zero 10 special 11 empty)
export const FOP: u32 = 1158;
export const FIP: u32 = 1160;
export const FDP: u32 = 1168;
export const FCS: u32 = 1176;
export const FDS: u32 = 1178;
export const MXCSR: u32 = 1180;
// What the fast paths of floating point allow, derived from MXCSR (sse-float.ts updateFast).
export const SSE_FAST64: u32 = 1184; // u64
export const SSE_FAST32: u32 = 1192; // u32
export const XMM: u32 = 1280; // 16 registers of 32 bytes (YMM), XMM in the low half
// Segment bases and access shortcuts: ES CS SS DS FS GS LDTR TR, then two that are always flat (64-bit mode: 8 for data, 9 for stack).
export const SEG_BASE: u32 = 1792; // 16 x u64
export const SEG_CHECK: u32 = 1920; // 16 x u8: 1 = reads need segmentLinear, 2 = writes do
export const VCPU_STATE_SIZE: u32 = 2048;
/** Saved machines hold this block as it is: raise the number when an offset in it changes (the fixtures in workers/snapshots will tell). */
export const VCPU_STATE_VERSION: u32 = 1;
// Behind the state, not saved: 32 bytes for a vector operand that is not in one plain page of memory.
export const VEX_TEMP: u32 = 2048;
/** The last exceptions, for who asks why the processor shut down (watch.ts noteException): how many since they were asked for (u32), */
export const RAISED_COUNT: u32 = 2080;
/** the exceptions, in turn; each: vector u32, error code i32 (-1: none), CR2 u64, linear address u64, instructions retired u64. */
export const RAISED: u32 = 2112;
export const RAISED_SIZE: u32 = 32;
/** An exception, a double fault, and two more than the architecture makes. A power of two. */
export const RAISED_MOST: u32 = 4;

// ---- decoded record (offsets; 32 bytes) -----------------------------------------------------------------------------
export const RECORD_SIZE: u32 = 32;
export const REC_HANDLER: u32 = 0; // u32 function table index
export const REC_R0: u32 = 4; // u8: first register operand (byte offset in the state block for GPR; number for others)
export const REC_R1: u32 = 5;
export const REC_R2: u32 = 6;
export const REC_BASE: u32 = 7; // u8: state offset of base (ZERO_SLOT when absent, BLOCK_IP for RIP-relative)
export const REC_INDEX: u32 = 8;
export const REC_SCALE: u32 = 9;
export const REC_SEG: u32 = 10;
export const REC_ADDR_SHIFT: u32 = 11; // 64 - address size in bits
export const REC_DISP: u32 = 12; // i32
export const REC_IMM: u32 = 16; // i64, sign-extended
export const REC_FORM: u32 = 24; // u16 row number
export const REC_START: u32 = 26; // u16 offset of the instruction in its block
export const REC_END: u32 = 28; // u16
export const REC_PREFIX: u32 = 30; // u8 PREFIX_ bits
export const REC_SIZE: u32 = 31; // u8 log2 of operand size
export const PREFIX_LOCK: u32 = 1;
export const PREFIX_REP: u32 = 2;
export const PREFIX_REPNE: u32 = 4;
export const PREFIX_OPSIZE: u32 = 8;
export const PREFIX_REX: u32 = 16;
export const PREFIX_REX_W: u32 = 32;
export const PREFIX_SEG: u32 = 64;
export const PREFIX_SLOW: u32 = 128; // its accesses leave the fast path often: translated code calls for them

// ---- block header (offsets; 32 bytes, records follow) ---------------------------------------------------------------
export const BLOCK_HEADER_SIZE: u32 = 32;
export const BLOCK_HOST: u32 = 0; // host address of the first byte
export const BLOCK_MODE: u32 = 4; // u16: blockMode
export const BLOCK_SPAN: u32 = 6; // u16: most instructions that an execution retires without a look at the budget; 0 = dropped
export const BLOCK_HASH_NEXT: u32 = 8;
export const BLOCK_FRAME_NEXT: u32 = 12;
export const BLOCK_COUNT: u32 = 16; // u16 instructions; 0 = dropped
export const BLOCK_LENGTH: u32 = 18; // u16 bytes
export const BLOCK_HITS: u32 = 20;
export const BLOCK_USERS: u32 = 24; // u32: list of the entry blocks of translated regions that contain this block; nodes of entry, next
export const BLOCK_INTERPRETED: u32 = 28; // u32: the first record's own handler, once a translation took its place; else 0
/** Bit of blockMode beside codeSize (bits 0-1): flat 32-bit code. CS, DS, ES and SS have base 0 and need no checks, the stack is 32-bit. */
export const MODE_FLAT: u32 = 4;
/** With MODE_FLAT and 32-bit code: compatibility mode, where the TLB may also have addresses above 4 GiB. */
export const MODE_COMPATIBILITY: u32 = 2;

// ---- attention bits -------------------------------------------------------------------------------------------------
export const ATTENTION_KICK: u32 = 1;
export const ATTENTION_INTR: u32 = 2; // INTR high and IF = 1
export const ATTENTION_NMI: u32 = 4;
export const ATTENTION_TRAP: u32 = 8; // TF, or debug registers enabled: one instruction at a time
export const ATTENTION_SHADOW: u32 = 16; // MOV SS / STI: no interrupt before the next instruction
export const ATTENTION_LOG: u32 = 32; // -d: report each block
export const ATTENTION_BREAK: u32 = 128; // the debugger: the run ends here
export const ATTENTION_HALT: u32 = 64; // with HALTED: HLT was executed and nothing woke it yet

// ---- guest time (time.ts): beside 0-10, log2 of ns for an instruction
export const TIME_ASKED: u32 = 64;
export const TIME_FOLLOWED: u32 = 65;

// ---- tracing and debugging (watch.ts) -------------------------------------------------------------------------------
// Events that core reports, one bit each; workers/cpu/watch.ts names them as the trace bus does.
export const TRACE_MODE: u32 = 1;
export const TRACE_RING: u32 = 2;
export const TRACE_CR3: u32 = 4;
export const TRACE_EXCEPTION: u32 = 8;
export const TRACE_SOFTWARE: u32 = 16;
export const TRACE_HANDLER: u32 = 32;
export const TRACE_IRET: u32 = 64;
export const TRACE_HALT: u32 = 128;
export const TRACE_WAKE: u32 = 256;
export const TRACE_TLB_FILL: u32 = 512;
export const TRACE_TLB_FLUSH: u32 = 1024;
export const TRACE_TABLE_WRITE: u32 = 2048;
export const TRACE_DECODE: u32 = 4096;
export const TRACE_CODE_WRITE: u32 = 8192;
// Changes that end a run behind the instruction.
export const STOP_MODE: u32 = 1;
export const STOP_RING: u32 = 2;
export const STOP_CR3: u32 = 4;
export const STOP_VECTORS: u32 = 8;
export const STOP_ANY_INTERRUPT: u32 = 16;
// Why a run ended with EXIT_BREAK.
export const BREAK_EXECUTE: u32 = 1; // linear address
export const BREAK_DATA: u32 = 2; // entry of WATCH_LIST << 1 | 1 for a write
export const BREAK_VECTOR: u32 = 3; // vector
export const BREAK_MODE: u32 = 4; // old << 8 | new, | 0x10000: rings instead of modes
export const BREAK_CR3: u32 = 5; // the new value
export const BREAK_HOST: u32 = 6; // asked for by the host (ports)
