// Open Virtualization Format 1.x (DMTF DSP0243): references, disks, virtual hardware; and its manifest (.mf), whose hashes are checked before anything is kept.

import { type Appliance, bad, baseName, Builder } from "./appliance.ts";
import { all, attribute, first, parseXml, textOf, type Xml } from "./xml.ts";

/** CIM resource types (CIM_ResourceAllocationSettingData.ResourceType). */
const TYPES: { readonly [n: string]: string } = { "6": "SCSI controller", "10": "network card", "11": "network card", "20": "SATA or other controller", "23": "USB controller", "24": "graphics", "35": "sound card", "21": "serial port", "22": "parallel port" };

/** "byte * 2^20", "MegaBytes" and the like as bytes. */
function unit(text: string): number {
  const power = /2\^(\d+)/.exec(text)?.[1];
  if (power !== undefined) return 2 ** Number(power);
  return /giga|^gb/i.test(text) ? 2 ** 30 : /kilo|^kb/i.test(text) ? 2 ** 10 : /^bytes?$/i.test(text) ? 1 : 2 ** 20;
}
export function parseOvf(bytes: Uint8Array, what: string): Appliance {
  const envelope = first(parseXml(bytes, what), "Envelope");
  if (!envelope) throw bad(what, "it has no Envelope");
  const built = new Builder();
  const files = new Map(all(first(envelope, "References"), "File").map((f) => [attribute(f, "id"), f]));
  const disks = new Map(all(first(envelope, "DiskSection"), "Disk").map((d) => [attribute(d, "diskId"), d]));
  const systems = [...all(envelope, "VirtualSystem"), ...all(first(envelope, "VirtualSystemCollection"), "VirtualSystem")];
  const [system] = systems;
  if (!system) throw bad(what, "it describes no machine");
  if (systems.length > 1) built.lack(`${systems.length - 1} further machines of the same file`);
  built.name = textOf(first(system, "Name")) || attribute(system, "id");
  const items = all(system, "VirtualHardwareSection").flatMap((s) => [...all(s, "Item"), ...all(s, "StorageItem"), ...all(s, "EthernetPortItem")]);
  const value = (item: Xml, name: string) => textOf(first(item, name));
  const controllers = new Map(items.filter((i) => ["5", "6", "20"].includes(value(i, "ResourceType"))).map((i) => [value(i, "InstanceID") || value(i, "InstanceId"), i]));
  const ideOrder = [...controllers].filter(([, i]) => value(i, "ResourceType") === "5").map(([id]) => id);
  const fileOf = (resource: string): string => {
    const [, kind, id = ""] = /(disk|file)\/(.+)$/.exec(resource) ?? [];
    const ref = kind === "disk" ? attribute(disks.get(id), "fileRef") : kind === "file" ? id : "";
    if (kind === "disk" && disks.has(id) && ref === "") built.lack(`the empty disk ${id}: make a new one`);
    const file = files.get(ref);
    if (ref !== "" && !file) throw bad(what, `its disk ${id} refers to a file that it does not name`);
    if (file && attribute(file, "compression") === "gzip") throw bad(what, `${attribute(file, "href")} is packed with gzip, which is not supported`);
    if (attribute(file, "chunkSize") !== "") throw bad(what, `${attribute(file, "href")} is cut into pieces, which is not supported`);
    return baseName(decodeURIComponent(attribute(file, "href")));
  };
  for (const item of items) {
    const type = value(item, "ResourceType");
    const called = value(item, "ElementName") || value(item, "Caption");
    if (type === "3") built.processors(Number(value(item, "VirtualQuantity")));
    else if (type === "4") built.memory((Number(value(item, "VirtualQuantity")) * unit(value(item, "AllocationUnits") || "MegaBytes")) / 2 ** 20, what);
    else if (type === "17" || type === "15" || type === "16" || type === "14") {
      const parent = value(item, "Parent");
      const channel = ideOrder.indexOf(parent);
      const slot = Number(value(item, "AddressOnParent") || "0");
      const ide = channel >= 0 && channel < 2 && slot < 2 ? `ide${channel}-${slot === 0 ? "master" : "slave"}` : channel === 0 && slot < 4 ? `ide${slot >> 1}-${slot & 1 ? "slave" : "master"}` : "";
      if (ide === "" && type === "17" && controllers.has(parent)) built.lack(`${TYPES[value(controllers.get(parent) as Xml, "ResourceType")] ?? "its controller"} (the disk is attached to IDE)`);
      const resource = value(item, "HostResource");
      const media = type === "17" ? "disk" : type === "14" ? "floppy" : "cdrom";
      const file = resource === "" ? "" : fileOf(resource);
      if (media === "disk" && file === "") continue;
      built.drive({ media, file, ...(ide === "" ? {} : { at: ide }) });
    } else if (TYPES[type] !== undefined && type !== "24" && type !== "6" && type !== "20") built.lack(`${TYPES[type]}${called ? ` (${called}${value(item, "ResourceSubType") ? `, ${value(item, "ResourceSubType")}` : ""})` : ""}`);
    else if (!["5", "6", "20", "24", "1"].includes(type)) built.lack(`${called || "a device"} (resource type ${type || "unknown"})`);
  }
  return built.finish(what);
}
/** Hashes by file name, as "SHA256(name)= hex" lines say. */
export function parseManifest(text: string, what: string): ReadonlyMap<string, { readonly algorithm: "SHA-1" | "SHA-256" | "SHA-512"; readonly hash: string }> {
  const out = new Map<string, { algorithm: "SHA-1" | "SHA-256" | "SHA-512"; hash: string }>();
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === "") continue;
    const match = /^(SHA1|SHA256|SHA512)\s*\((.+)\)\s*=\s*([0-9a-fA-F]+)\s*$/.exec(line);
    if (!match) throw bad(what, `"${line.slice(0, 60)}" is no line of a manifest`);
    out.set(baseName(match[2] as string), { algorithm: match[1] === "SHA1" ? "SHA-1" : match[1] === "SHA256" ? "SHA-256" : "SHA-512", hash: (match[3] as string).toLowerCase() });
  }
  return out;
}
