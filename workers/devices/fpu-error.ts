// The x87 error logic of a PC's chipset (IBM PC/AT; Intel 82371SB data sheet, "coprocessor error"; SDM 1 D.2.2): with CR0.NE clear, FERR#
// raises interrupt 13; a write to port F0 lowers it and asserts IGNNE#, which lets x87 instructions pass until the error is cleared.
// Pin "ferr". Left out: port F1 (reset of an external 80287).

import { object } from "../../src/contract/schema.ts";
import { allOnes } from "../platform/bus.ts";
import { fields } from "../platform/state.ts";
import type { Device, DeviceType, IrqLine, Slot, State } from "../platform/types.ts";

const IRQ = 13;

class FpuError implements Device<State> {
  private interrupt = false;
  private ignored = false;
  private readonly irq: IrqLine;
  constructor(slot: Slot) {
    this.irq = slot.irq(IRQ);
    slot.pin("ferr", (high) => {
      if (!high) this.ignored = false;
      else if (!this.ignored) this.raise(true);
    });
    slot.pio.map(0xf0, 1, {
      read: (_, width) => allOnes(width),
      write: () => {
        this.ignored = true;
        this.raise(false);
      },
    });
  }
  private raise(high: boolean): void {
    this.interrupt = high;
    this.irq.set(high);
  }
  reset(): void {
    this.ignored = false;
    this.raise(false);
  }
  save(): State {
    return { interrupt: this.interrupt, ignored: this.ignored };
  }
  load(state: State): void {
    const f = fields(state, "fpu-error");
    this.ignored = f.ignored === true;
    this.raise(f.interrupt === true);
  }
}

export const fpuError = {
  name: "fpu-error",
  summary: "x87 errors as interrupt 13 (port F0)",
  options: object("none", {}),
  version: 1,
  create: (slot: Slot): FpuError => new FpuError(slot),
} satisfies DeviceType<object, State>;
