// The named files and keys of fw_cfg that SeaBIOS reads on QEMU's pc: memory map, sleep states, boot menu, ACPI and SMBIOS tables.

import { FW_CFG } from "../devices/fw-cfg.ts";
import { VMGENID_ADDRESS, VMGENID_OFFSET } from "../devices/vmgenid.ts";
import { buildAcpi } from "./acpi/tables.ts";
import type { Board } from "./board.ts";
import { buildSmbios } from "./smbios.ts";

export function addFirmwareTables(board: Board, low: number, high: number): void {
  const { fwCfg, config } = board;
  const ramSize = new Uint8Array(8);
  new DataView(ramSize.buffer).setBigUint64(0, BigInt(config.memoryMiB) << 20n, true);
  fwCfg.add(FW_CFG.RAM_SIZE, ramSize);
  fwCfg.addU16(FW_CFG.NB_CPUS, config.cpu.count);
  fwCfg.addU16(FW_CFG.MAX_CPUS, config.cpu.count);
  fwCfg.addU16(FW_CFG.NOGRAPHIC, config.vga === "none" ? 1 : 0);
  fwCfg.addU16(FW_CFG.BOOT_MENU, config.boot.menu ? 1 : 0);
  fwCfg.add(FW_CFG.UUID, new Uint8Array(16));
  fwCfg.addU16(FW_CFG.BOOT_DEVICE, (config.boot.order || "c").charCodeAt(0));

  const entries: [number, number][] = [[0, low]];
  if (high > 0) entries.push([0x100000000, high]);
  const e820 = new Uint8Array(20 * entries.length);
  const view = new DataView(e820.buffer);
  entries.forEach(([base, length], i) => {
    view.setBigUint64(20 * i, BigInt(base), true);
    view.setBigUint64(20 * i + 8, BigInt(length), true);
    view.setUint32(20 * i + 16, 1, true);
  });
  fwCfg.addFile("etc/e820", e820);
  // Bytes S0-S5: 128 = supported, low bits the sleep type: QEMU's own bytes.
  fwCfg.addFile("etc/system-states", Uint8Array.of(128, 0, 0, 129, 130, 128));
  if (config.boot.menu) {
    fwCfg.addFile("etc/boot-menu-wait", Uint8Array.of(0xb8, 0x0b)); // 3 s
    fwCfg.addFile("etc/show-boot-menu", Uint8Array.of(1, 0));
  } else fwCfg.addFile("etc/show-boot-menu", Uint8Array.of(0, 0));

  const acpi = buildAcpi({
    // SeaBIOS puts PCI memory at 2 GiB, 3 GiB or 3.5 GiB, whichever is the first above RAM.
    pciHole: low <= 0x80000000 ? 0x80000000 : low <= 0xc0000000 ? 0xc0000000 : 0xe0000000,
    floppy: config.disks.some((d) => d.at.startsWith("floppy")),
    serial: config.serial.map((s) => s !== "none"),
    generation: config.devices.some((d) => d.type === "vmgenid") ? VMGENID_ADDRESS + VMGENID_OFFSET : null,
    processors: config.cpu.count,
  });
  fwCfg.addFile("etc/acpi/rsdp", acpi.rsdp);
  fwCfg.addFile("etc/acpi/tables", acpi.tables);
  fwCfg.addFile("etc/table-loader", acpi.loader);
  const smbios = buildSmbios({ memoryMiB: config.memoryMiB, low, high, name: config.name, cpu: config.cpu.model });
  fwCfg.addFile("etc/smbios/smbios-anchor", smbios.anchor);
  fwCfg.addFile("etc/smbios/smbios-tables", smbios.tables);
}
