// Everything core asks of the outside: imports of module "host". The one seam where guest code leaves core (an "exit").

/** Unwinds to the caller of `run`: a guest fault was recorded (fault.ts) and will be delivered. Never returns. */
export declare function unwind(): void;
export declare function pioRead(port: u32, width: u32): u32;
export declare function pioWrite(port: u32, width: u32, value: u32): void;
export declare function mmioRead(physical: f64, width: u32): u32;
export declare function mmioWrite(physical: f64, width: u32, value: u32): void;
export declare function acknowledge(): u32;
export declare function readTpr(): u32;
export declare function writeTpr(value: u32): void;
/** APIC_BASE, TSC_DEADLINE, x2APIC. The value travels through SCRATCH_BASE; false: #GP. */
export declare function apicMsrRead(index: u32): bool;
export declare function apicMsrWrite(index: u32): bool;
/** Fills the frame of a page marked P2M_LAZY; its new entry. */
export declare function pageIn(page: u32): u32;
/** While checkpoints are kept: a page that was clean is about to be written (watch.ts). */
export declare function pageWritten(page: u32): void;
/** FERR#: an unmasked x87 error waits and CR0.NE is clear; false: the error was cleared. */
export declare function ferr(asserted: bool): void;
/** -d: see log.ts. The instruction pointer stands at SCRATCH_BASE. */
export declare function logEvent(event: u32, a: u32, b: u32): void;
/** The trace bus: an event of watch.ts, `kind` is a TRACE_ bit. */
export declare function traceEvent(kind: u32, a: f64, b: f64, c: f64): void;
/** Guest nanoseconds. */
export declare function nowNs(): f64;
/** A behaviour we lack: `code` is one of the MISSING_ numbers (missing.ts), `detail` is free. */
export declare function missing(code: u32, detail: u32): void;
/** Our bug: stops the worker. */
export declare function bug(code: u32, detail: u32): void;
