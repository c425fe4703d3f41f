// QEMU's pc-testdev for kvm-unit-tests (behaviour of QEMU hw/misc/pc-testdev.c, tried in workers/conformance/testdev): a latch at ports 0xE0
// and 0xE8, which takes aligned accesses only, interrupt lines at 0x2000-0x2017, 64 KiB of scratch registers at 0xFF000000, a page flush at
// 0xE4 (nothing to flush here). Where a debug console was asked for, it keeps port 0xE9 and the second latch is one byte.

import { type Infer, integer, object, optional } from "../../src/contract/schema.ts";
import { byteRegion } from "../platform/bus.ts";
import { bytesField, fields } from "../platform/state.ts";
import type { Device, DeviceType, IrqLine, Region, Slot, State } from "../platform/types.ts";

const options = object("pc-testdev", { latch2: optional(integer("ports of the second latch, from 0xE8", 1, 4), 4) });
type Options = Infer<typeof options>;

function bytes(buffer: Uint8Array): Region {
  return byteRegion((o) => buffer[o] as number, (o, v) => {
    buffer[o] = v;
  });
}

/** The latch: what is not aligned is no access. */
function aligned(buffer: Uint8Array): Region {
  const inner = bytes(buffer);
  return {
    read: (offset, width) => (offset % width === 0 ? inner.read(offset, width) : 0),
    write: (offset, width, value) => {
      if (offset % width === 0) inner.write(offset, width, value);
    },
  };
}

class PcTestdev implements Device<State> {
  private readonly latch = new Uint8Array(4);
  private readonly scratch = new Uint8Array(0x10000);
  private readonly lines: IrqLine[] = [];
  constructor(slot: Slot, options: Options) {
    for (let line = 0; line < 24; line++) this.lines.push(slot.irq(line));
    slot.pio.map(0xe0, 4, aligned(this.latch));
    slot.pio.map(0xe4, 4, { read: () => 0, write: () => {} });
    slot.pio.map(0xe8, options.latch2, aligned(this.latch));
    slot.pio.map(0x2000, 24, byteRegion(() => 0, (o, v) => (this.lines[o] as IrqLine).set(v !== 0)));
    slot.mmio.map(0xff000000, this.scratch.length, bytes(this.scratch));
  }
  reset(): void {
    this.latch.fill(0);
    this.scratch.fill(0);
    for (const line of this.lines) line.set(false);
  }
  save(): State {
    return { latch: this.latch.slice(), scratch: this.scratch.slice() };
  }
  load(state: State): void {
    const f = fields(state, "pc-testdev");
    this.latch.set(bytesField(f, "latch", 4));
    this.scratch.set(bytesField(f, "scratch", 0x10000));
  }
}

export const pcTestdev = {
  name: "pc-testdev",
  summary: "test device of kvm-unit-tests",
  options,
  version: 1,
  create: (slot: Slot, wanted: Options): PcTestdev => new PcTestdev(slot, wanted),
} satisfies DeviceType<Options, State>;
