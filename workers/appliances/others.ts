// Descriptions of machines by VMware (.vmx: lines of key = "value"), VirtualBox (.vbox) and Virtual PC (.vmc, UTF-16 XML).

import { type Appliance, bad, baseName, Builder } from "./appliance.ts";
import { all, attribute, first, parseXml, textOf, type Xml } from "./xml.ts";

export function parseVmx(bytes: Uint8Array, what: string): Appliance {
  const built = new Builder();
  const settings = new Map<string, string>();
  for (const line of new TextDecoder().decode(bytes.subarray(0, 1 << 20)).split(/\r?\n/)) {
    const match = /^\s*([\w.:-]+)\s*=\s*"(.*)"\s*$/.exec(line);
    if (match) settings.set((match[1] as string).toLowerCase(), (match[2] as string).replace(/\|22/g, '"'));
  }
  const get = (key: string) => settings.get(key) ?? "";
  const is = (key: string) => /^true$/i.test(get(key));
  if (!settings.has("virtualhw.version") && !settings.has("memsize") && !settings.has("displayname")) throw bad(what, "it is not a machine of VMware");
  built.name = get("displayname");
  built.memory(Number(get("memsize") || "256"), what);
  built.processors(Number(get("numvcpus") || "1"));
  if (/efi/i.test(get("firmware"))) built.lack("EFI firmware (it gets SeaBIOS)");
  for (const key of settings.keys()) {
    const [, bus, controller, unit] = /^(ide|scsi|sata|nvme)(\d+):(\d+)\.present$/.exec(key) ?? [];
    if (bus !== undefined && is(key)) {
      const at = `${bus}${controller}:${unit}`;
      const cdrom = /cdrom/i.test(get(`${at}.devicetype`));
      const name = get(`${at}.filename`);
      const file = cdrom && !/image/i.test(get(`${at}.devicetype`)) ? "" : baseName(name);
      if (bus !== "ide" && !cdrom) built.lack(`${bus.toUpperCase()} controller (the disk is attached to IDE)`);
      built.drive({ media: cdrom ? "cdrom" : "disk", file, ...(bus === "ide" ? { at: `ide${controller}-${unit === "0" ? "master" : "slave"}` } : {}) });
    }
    const floppy = /^floppy([01])\.present$/.exec(key)?.[1];
    if (floppy !== undefined && is(key)) built.drive({ media: "floppy", file: /file/i.test(get(`floppy${floppy}.filetype`)) ? baseName(get(`floppy${floppy}.filename`)) : "" });
    const ethernet = /^(ethernet\d+)\.present$/.exec(key)?.[1];
    if (ethernet !== undefined && is(key)) built.lack(`network card (${get(`${ethernet}.virtualdev`) || "vlance"})`);
  }
  if (is("sound.present")) built.lack("sound card");
  if (is("usb.present") || is("ehci.present") || is("usb_xhci.present")) built.lack("USB controller");
  return built.finish(what);
}
export function parseVbox(bytes: Uint8Array, what: string): Appliance {
  const machine = first(parseXml(bytes, what), "VirtualBox", "Machine");
  if (!machine) throw bad(what, "it is not a machine of VirtualBox");
  const built = new Builder();
  built.name = attribute(machine, "name");
  const hardware = first(machine, "Hardware");
  built.memory(Number(attribute(first(hardware, "Memory"), "RAMSize") || "128"), what);
  built.processors(Number(attribute(first(hardware, "CPU"), "count") || "1"));
  if (/efi/i.test(attribute(first(hardware, "Firmware"), "type"))) built.lack("EFI firmware (it gets SeaBIOS)");
  const media = new Map<string, string>();
  const collect = (of: Xml | undefined, name: string) => {
    for (const disk of all(of, name)) {
      media.set(attribute(disk, "uuid"), attribute(disk, "location"));
      if (all(disk, name).length > 0) built.lack(`snapshots of ${baseName(attribute(disk, "location"))} (differencing images)`);
      collect(disk, name);
    }
  };
  const registry = first(machine, "MediaRegistry");
  collect(first(registry, "HardDisks"), "HardDisk");
  collect(first(registry, "DVDImages"), "Image");
  collect(first(registry, "FloppyImages"), "Image");
  if (all(machine, "Snapshot").length > 0) built.lack("snapshots of the machine");
  for (const controllers of [...all(machine, "StorageControllers"), ...all(hardware, "StorageControllers")])
    for (const controller of all(controllers, "StorageController")) {
      const type = attribute(controller, "type");
      const ide = /^(PIIX|ICH6)/i.test(type);
      for (const device of all(controller, "AttachedDevice")) {
        const kind = attribute(device, "type");
        const cdrom = kind === "DVD";
        const floppy = kind === "Floppy";
        const uuid = attribute(first(device, "Image"), "uuid");
        const location = media.get(uuid);
        if (uuid !== "" && location === undefined) throw bad(what, `a drive refers to a medium that it does not name (${uuid})`);
        if (!ide && !floppy && !cdrom) built.lack(`${type} controller (the disk is attached to IDE)`);
        if (!cdrom && !floppy && location === undefined) continue;
        built.drive({ media: cdrom ? "cdrom" : floppy ? "floppy" : "disk", file: location === undefined ? "" : baseName(location), ...(ide ? { at: `ide${attribute(device, "port") || "0"}-${attribute(device, "device") === "1" ? "slave" : "master"}` } : {}) });
      }
    }
  for (const adapter of all(first(hardware, "Network"), "Adapter")) if (attribute(adapter, "enabled") === "true") built.lack(`network card (${attribute(adapter, "type") || "Am79C973"})`);
  if (attribute(first(hardware, "AudioAdapter"), "enabled") === "true") built.lack("sound card");
  if (all(first(hardware, "USB", "Controllers"), "Controller").length > 0) built.lack("USB controller");
  return built.finish(what);
}
export function parseVmc(bytes: Uint8Array, what: string): Appliance {
  const root = first(parseXml(bytes, what), "preferences");
  if (!root) throw bad(what, "it is not a machine of Virtual PC");
  const built = new Builder();
  built.name = what.replace(/\.vmc$/i, "");
  const hardware = first(root, "hardware");
  built.memory(Number(textOf(first(hardware, "memory", "ram_size")) || "128"), what);
  for (const controller of all(first(hardware, "pci_bus", "ide_adapter"), "ide_controller"))
    for (const location of all(controller, "location")) {
      const type = textOf(first(location, "drive_type"));
      const path = textOf(first(location, "pathname", "relative")) || textOf(first(location, "pathname", "absolute"));
      // 0: nothing there, 1: hard disk, 2: CD.
      if (type === "0" || (type !== "2" && path === "")) continue;
      built.drive({ media: type === "2" ? "cdrom" : "disk", file: path === "" ? "" : baseName(path), at: `ide${attribute(controller, "id") || "0"}-${attribute(location, "id") === "1" ? "slave" : "master"}` });
      if (textOf(first(location, "undo_pathname", "absolute")) !== "") built.lack("undo disks");
    }
  if (all(first(hardware, "pci_bus", "scsi_adapter"), "scsi_controller").length > 0) built.lack("SCSI controller");
  if (all(first(hardware, "pci_bus", "ethernet_adapter"), "ethernet_controller").length > 0) built.lack("network card (DEC 21140)");
  if (textOf(first(hardware, "sound", "enable")) === "true") built.lack("sound card");
  return built.finish(what);
}
