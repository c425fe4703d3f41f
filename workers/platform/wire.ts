// Wires between chips: a Wire has one driver and many listeners; a Junction is the OR of many drivers (a shared interrupt line).
// Only changes are passed on.

import type { IrqLine } from "./types.ts";

export class Wire implements IrqLine {
  level = false;
  private readonly listeners: ((high: boolean) => void)[] = [];
  set(high: boolean): void {
    if (high === this.level) return;
    this.level = high;
    for (let i = 0; i < this.listeners.length; i++) (this.listeners[i] as (high: boolean) => void)(high);
  }
  connect(listener: (high: boolean) => void): void {
    this.listeners.push(listener);
  }
}

/** Each `source()` is one driver; the output is high while any of them is. */
export class Junction {
  private highs = 0;
  /** How often the line went high. */
  rises = 0;
  readonly output = new Wire();
  source(): IrqLine {
    let mine = false;
    return {
      set: (high) => {
        if (high === mine) return;
        mine = high;
        this.highs += high ? 1 : -1;
        if (high && this.highs === 1) this.rises++;
        this.output.set(this.highs > 0);
      },
    };
  }
}
