// The kinds of event on the trace bus: one row each. Panels, lessons and profilers read these and nothing else.
// a, b, c are unsigned 53-bit numbers whose meaning the row gives.

export interface TraceKind {
  readonly summary: string;
  readonly a?: string;
  readonly b?: string;
  readonly c?: string;
}
export const traceKinds = {
  "cpu.reset": { summary: "processor reset" },
  "cpu.exception": { summary: "exception raised", a: "vector", b: "error code", c: "linear RIP" },
  "cpu.interrupt": { summary: "external interrupt taken", a: "vector", c: "linear RIP" },
  "cpu.mode": { summary: "mode change", a: "CR0", b: "EFER" },
  "cpu.halt": { summary: "HLT" },
  "pio.read": { summary: "port read", a: "port", b: "value", c: "width in bytes" },
  "pio.write": { summary: "port write", a: "port", b: "value", c: "width in bytes" },
  "mmio.read": { summary: "memory-mapped read", a: "physical address", b: "value", c: "width in bytes" },
  "mmio.write": { summary: "memory-mapped write", a: "physical address", b: "value", c: "width in bytes" },
  "irq.line": { summary: "interrupt line changed", a: "line", b: "level" },
  "block.read": { summary: "disk read", a: "sector", b: "sectors" },
  "block.write": { summary: "disk write", a: "sector", b: "sectors" },
  "dma.transfer": { summary: "DMA", a: "physical address", b: "bytes", c: "1 = to memory" },
  "serial.byte": { summary: "byte sent on a serial port", a: "byte" },
  "guest.odd": { summary: "the guest did something odd", a: "detail" },
  "device.missing": { summary: "a behaviour that we lack was asked for" },
} as const satisfies { readonly [name: string]: TraceKind };
export type TraceName = keyof typeof traceKinds;
