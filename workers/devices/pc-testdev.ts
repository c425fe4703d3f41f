// QEMU's pc-testdev for kvm-unit-tests (behaviour of QEMU hw/misc/pc-testdev.c): a latch at ports 0xE0 and 0xE8, interrupt lines at
// 0x2000-0x2017, 64 KiB of scratch registers at 0xFF000000, a page flush at 0xE4 (nothing to flush here).

import { object } from "../../src/contract/schema.ts";
import { byteRegion } from "../platform/bus.ts";
import { bytesField, fields } from "../platform/state.ts";
import type { Device, DeviceType, IrqLine, Region, Slot, State } from "../platform/types.ts";

function bytes(buffer: Uint8Array): Region {
  return byteRegion((o) => buffer[o] as number, (o, v) => {
    buffer[o] = v;
  });
}

class PcTestdev implements Device<State> {
  private readonly latch = new Uint8Array(4);
  private readonly scratch = new Uint8Array(0x10000);
  private readonly lines: IrqLine[] = [];
  constructor(slot: Slot) {
    for (let line = 0; line < 24; line++) this.lines.push(slot.irq(line));
    slot.pio.map(0xe0, 4, bytes(this.latch));
    slot.pio.map(0xe4, 4, { read: () => 0, write: () => {} });
    // 0xE9 belongs to the debug console when there is one: only the first byte of the second latch is ours.
    slot.pio.map(0xe8, 1, bytes(this.latch));
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
  options: object("none", {}),
  version: 1,
  create: (slot: Slot): PcTestdev => new PcTestdev(slot),
} satisfies DeviceType<object, State>;
