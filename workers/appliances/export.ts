// A machine as an OVA for VirtualBox, VMware and others: an OVF 1.0 description, its disks as streamOptimized VMDK, CDs and floppies as they are, and a manifest
// with SHA-256 of each. Left out: running state, boot files (kernel, RAM disk), serial ports, CPU model; what others do not know is said by `exportable`.

import type { DomainConfig } from "../../src/contract/domain.ts";
import { FaultError } from "../../src/contract/schema.ts";
import type { TarFile } from "../backends/tar.ts";
import { sha256 } from "../snapshots/bundle.ts";

/** A drive's contents, ready to be packed. */
export interface ExportedDrive {
  readonly at: DomainConfig["disks"][number]["at"];
  readonly media: "disk" | "cdrom" | "floppy";
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Size of the virtual disk. */
  readonly capacity: number;
}
/** What of the machine an OVA cannot say, in words. */
export function notExported(domain: DomainConfig): readonly string[] {
  return [
    ...(domain.boot.kernel ? [`the kernel ${domain.boot.kernel}`] : []),
    ...(domain.disks.some((d) => d.source !== "" && !d.source.startsWith("library:")) ? ["disks that are not in the library"] : []),
  ];
}
const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
const VMDK = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized";

export async function makeOva(domain: DomainConfig, drives: readonly ExportedDrive[], stem: string): Promise<readonly TarFile[]> {
  if (drives.length === 0) throw new FaultError("appliance.empty", "This machine has no disk in the library that could be exported.", "Share it as a link or a file instead.");
  const item = (type: number, id: number, ...more: readonly (readonly [string, string | number])[]) =>
    // The schema wants the elements in the order of their names.
    `      <Item>${[["InstanceID", id] as const, ["ResourceType", type] as const, ...more].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `<rasd:${name}>${escaped(String(value))}</rasd:${name}>`).join("")}</Item>`;
  const disks = drives.filter((d) => d.media === "disk");
  const attached = drives.filter((d) => d.at.startsWith("ide"));
  const ovf = `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
  <References>
${drives.map((d, i) => `    <File ovf:href="${escaped(encodeURIComponent(d.name))}" ovf:id="file${i}" ovf:size="${d.bytes.length}"/>`).join("\n")}
  </References>
  <DiskSection>
    <Info>Virtual disks</Info>
${disks.map((d) => `    <Disk ovf:capacity="${d.capacity}" ovf:diskId="disk${drives.indexOf(d)}" ovf:fileRef="file${drives.indexOf(d)}" ovf:format="${VMDK}"/>`).join("\n")}
  </DiskSection>
  <VirtualSystem ovf:id="${escaped(stem)}">
    <Info>A virtual machine</Info>
    <Name>${escaped(domain.name)}</Name>
    <OperatingSystemSection ovf:id="1"><Info>The kind of guest is not known</Info></OperatingSystemSection>
    <VirtualHardwareSection>
      <Info>Virtual hardware</Info>
      <System><vssd:ElementName>Virtual Hardware Family</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-07</vssd:VirtualSystemType></System>
${[
  item(3, 1, ["ElementName", "1 processor"], ["VirtualQuantity", 1]),
  item(4, 2, ["AllocationUnits", "byte * 2^20"], ["ElementName", `${domain.memoryMiB} MiB of memory`], ["VirtualQuantity", domain.memoryMiB]),
  item(5, 3, ["Address", 0], ["ElementName", "IDE 0"]),
  item(5, 4, ["Address", 1], ["ElementName", "IDE 1"]),
  ...attached.map((d, i) => {
    const n = drives.indexOf(d);
    return item(d.media === "disk" ? 17 : 15, 10 + i, ["AddressOnParent", d.at.endsWith("slave") ? 1 : 0], ["ElementName", d.name], ["HostResource", d.media === "disk" ? `ovf:/disk/disk${n}` : `ovf:/file/file${n}`], ["Parent", d.at.startsWith("ide1") ? 4 : 3]);
  }),
  ...drives.filter((d) => !d.at.startsWith("ide")).map((d, i) => item(14, 20 + i, ["AddressOnParent", d.at.endsWith("1") ? 1 : 0], ["ElementName", d.name], ["HostResource", `ovf:/file/file${drives.indexOf(d)}`])),
].join("\n")}
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
`;
  // The description comes first, as the format wants it.
  const files: TarFile[] = [{ name: `${stem}.ovf`, bytes: new TextEncoder().encode(ovf) }, ...drives.map(({ name, bytes }) => ({ name, bytes }))];
  const lines = await Promise.all(files.map(async (f) => `SHA256(${f.name})= ${await sha256(f.bytes)}\n`));
  return [files[0] as TarFile, { name: `${stem}.mf`, bytes: new TextEncoder().encode(lines.join("")) }, ...files.slice(1)];
}
