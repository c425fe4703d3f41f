// The registry: every device type that a machine can contain, one import and one line each.
// Contract tests, snapshots, forms and the docs table loop over this list.

import type { DeviceType } from "../platform/types.ts";
import { floppy } from "./floppy.ts";
import { dma8237 } from "./dma8237.ts";
import { ide } from "./ide.ts";
import { vga } from "./vga.ts";
import { debugConsole, debugExit } from "./debug-ports.ts";
import { edu } from "./edu.ts";
import { fpuError } from "./fpu-error.ts";
import { fwCfg } from "./fw-cfg.ts";
import { hpet } from "./hpet.ts";
import { i8042 } from "./i8042.ts";
import { ioApic } from "./io-apic.ts";
import { localApic } from "./local-apic.ts";
import { pcTestdev } from "./pc-testdev.ts";
import { pciHost } from "./pci-host.ts";
import { pic } from "./pic.ts";
import { piix3 } from "./piix3.ts";
import { piix4Pm } from "./piix4-pm.ts";
import { pit } from "./pit.ts";
import { rtc } from "./rtc.ts";
import { uart } from "./uart.ts";
import { vmgenid } from "./vmgenid.ts";

// biome-ignore lint/suspicious/noExplicitAny: each row has its own option and state types
type AnyDeviceType = DeviceType<any, any>;

export const deviceTypes: readonly AnyDeviceType[] = [
  debugConsole,
  debugExit,
  edu,
  fpuError,
  fwCfg,
  hpet,
  i8042,
  ioApic,
  localApic,
  pcTestdev,
  pciHost,
  pic,
  piix3,
  piix4Pm,
  pit,
  rtc,
  uart,
  vga,
  ide,
  dma8237,
  floppy,
  vmgenid,
];

export function deviceType(name: string): AnyDeviceType | undefined {
  return deviceTypes.find((type) => type.name === name);
}
