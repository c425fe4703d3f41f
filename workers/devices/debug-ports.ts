// Two one-byte consoles of emulators: port 0x402 (SeaBIOS and OVMF messages; a read returns 0xE9 to say it exists) and Bochs' port 0xE9.
// isa-debug-exit ends the emulator: writing v leaves with status 2v+1 (QEMU hw/misc/debugexit.c).

import { integer, object, optional } from "../../src/contract/schema.ts";
import { byteRegion } from "../platform/bus.ts";
import type { BytesBackend, Device, DeviceType, Slot, State } from "../platform/types.ts";

const nothing = { reset: () => {}, save: (): State => null, load: () => {} };

const consoleOptions = object("debug console", {
  iobase: optional(integer("port", 0, 0xffff), 0xe9),
  readback: optional(integer("value that a read returns", 0, 255), 0xe9),
});
type ConsoleOptions = { readonly iobase: number; readonly readback: number };

/** The backend is found by the slot's id: "debugcon" for 0x402, "e9" for 0xE9. */
export const debugConsole = {
  name: "isa-debugcon",
  summary: "debug console: every byte written to one port is a character",
  options: consoleOptions,
  version: 1,
  create(slot: Slot, options: ConsoleOptions): Device<State> {
    const out: BytesBackend = slot.backend("bytes", slot.id);
    slot.pio.map(options.iobase, 1, byteRegion(() => options.readback, (_, value) => out.write(value)));
    return nothing;
  },
} satisfies DeviceType<ConsoleOptions, State>;

const exitOptions = object("exit port", {
  iobase: optional(integer("first port", 0, 0xffff), 0x501),
  iosize: optional(integer("number of ports", 1, 256), 2),
});
type ExitOptions = { readonly iobase: number; readonly iosize: number };

/** The board reads `onExit`: the device cannot know what leaving means. */
export interface DebugExit extends Device<State> {
  onExit: ((status: number) => void) | null;
}
export const debugExit = {
  name: "isa-debug-exit",
  summary: "ends the emulator with status 2v+1",
  options: exitOptions,
  version: 1,
  create(slot: Slot, options: ExitOptions): DebugExit {
    const device: DebugExit = { ...nothing, onExit: null };
    slot.pio.map(options.iobase, options.iosize, {
      read: () => 0,
      write: (_offset, _width, value) => device.onExit?.((value * 2 + 1) & 0xff),
    });
    return device;
  },
} satisfies DeviceType<ExitOptions, State>;
