// Descriptions as the programs write them become domains; what we lack is named; manifests are checked; strangers' files are Faults.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { domainSchema } from "../../src/contract/domain.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { makeTar } from "../backends/tar.ts";
import { noise } from "../backends/testing/noise.ts";
import { makeOva, notExported } from "./export.ts";
import { readAppliance } from "./import.ts";
import { parseDescription } from "./index.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const OVF = `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
  <References><File ovf:href="box-disk1.vmdk" ovf:id="file1" ovf:size="10"/><File ovf:href="tools.iso" ovf:id="file2"/></References>
  <DiskSection><Info>disks</Info><Disk ovf:capacity="1" ovf:capacityAllocationUnits="byte * 2^30" ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/></DiskSection>
  <VirtualSystem ovf:id="box"><Name>My box &amp; co</Name>
    <VirtualHardwareSection><Info>hardware</Info>
      <Item><rasd:AllocationUnits>hertz * 10^6</rasd:AllocationUnits><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
      <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>512</rasd:VirtualQuantity></Item>
      <Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>lsilogic</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
      <Item><rasd:Address>0</rasd:Address><rasd:InstanceID>4</rasd:InstanceID><rasd:ResourceType>5</rasd:ResourceType></Item>
      <Item><rasd:Address>1</rasd:Address><rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceType>5</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>6</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>1</rasd:AddressOnParent><rasd:HostResource>ovf:/file/file2</rasd:HostResource><rasd:InstanceID>7</rasd:InstanceID><rasd:Parent>5</rasd:Parent><rasd:ResourceType>15</rasd:ResourceType></Item>
      <Item><rasd:ElementName>Ethernet 1</rasd:ElementName><rasd:InstanceID>8</rasd:InstanceID><rasd:ResourceSubType>E1000</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>`;
const VMX = `.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "19"
displayName = "Old server"
memsize = "1024"
numvcpus = "1"
scsi0.present = "TRUE"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "C:\\\\VMs\\\\server.vmdk"
ide1:0.present = "TRUE"
ide1:0.deviceType = "cdrom-image"
ide1:0.fileName = "setup.iso"
ide1:1.present = "FALSE"
floppy0.present = "TRUE"
floppy0.fileType = "file"
floppy0.fileName = "boot.flp"
ethernet0.present = "TRUE"
ethernet0.virtualDev = "e1000"
sound.present = "TRUE"
firmware = "efi"
`;
const VBOX = `<?xml version="1.0"?>
<VirtualBox xmlns="http://www.virtualbox.org/" version="1.16-linux"><Machine uuid="{1}" name="Lab" OSType="Debian_64">
  <MediaRegistry><HardDisks><HardDisk uuid="{d1}" location="Lab/lab.vdi" format="VDI" type="Normal"><HardDisk uuid="{d2}" location="Snapshots/{d2}.vdi" format="VDI"/></HardDisk></HardDisks><DVDImages><Image uuid="{i1}" location="/isos/net.iso"/></DVDImages></MediaRegistry>
  <Hardware><CPU count="4"/><Memory RAMSize="768"/><Network><Adapter slot="0" enabled="true" type="82540EM"/><Adapter slot="1" enabled="false"/></Network><AudioAdapter enabled="true"/>
  <StorageControllers><StorageController name="IDE" type="PIIX4" PortCount="2"><AttachedDevice type="HardDisk" port="0" device="0"><Image uuid="{d1}"/></AttachedDevice><AttachedDevice passthrough="false" type="DVD" port="1" device="0"><Image uuid="{i1}"/></AttachedDevice></StorageController></StorageControllers></Hardware></Machine></VirtualBox>`;
const VMC = `<?xml version="1.0" encoding="UTF-16"?><preferences><version type="string">2.0</version><hardware><memory><ram_size type="integer">384</ram_size></memory><pci_bus>
  <ethernet_adapter><ethernet_controller id="0"/></ethernet_adapter><ide_adapter><ide_controller id="0"><location id="0"><drive_type type="integer">1</drive_type><pathname><absolute type="string">C:\\vm\\xp.vhd</absolute><relative type="string">.\\xp.vhd</relative></pathname></location><location id="1"><drive_type type="integer">0</drive_type></location></ide_controller>
  <ide_controller id="1"><location id="0"><drive_type type="integer">2</drive_type></location></ide_controller></ide_adapter></pci_bus><sound><enable type="boolean">true</enable></sound></hardware></preferences>`;
const drives = (name: string, text: Uint8Array) => {
  const { domain, files, missing } = parseDescription(name, text);
  return { name: domain.name, memory: domain.memoryMiB, drives: domain.disks.map((d) => `${d.at} ${d.media} ${d.source}`), files, missing };
};
const utf16 = (text: string) => new Uint8Array(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, "utf16le")]));

describe("descriptions", () => {
  test("OVF", () =>
    expect(drives("box.ovf", bytes(OVF))).toEqual({
      name: "My box & co", memory: 512, drives: ["ide1-slave cdrom appliance:tools.iso", "ide0-master disk appliance:box-disk1.vmdk"], files: ["tools.iso", "box-disk1.vmdk"],
      missing: ["2 processors (it gets one)", "SCSI controller (the disk is attached to IDE)", "network card (Ethernet 1, E1000)"],
    }));
  test(".vmx", () =>
    expect(drives("server.vmx", bytes(VMX))).toEqual({
      name: "Old server", memory: 1024, drives: ["ide1-master cdrom appliance:setup.iso", "ide0-master disk appliance:server.vmdk", "floppy0 floppy appliance:boot.flp"], files: ["setup.iso", "server.vmdk", "boot.flp"],
      missing: ["EFI firmware (it gets SeaBIOS)", "SCSI controller (the disk is attached to IDE)", "network card (e1000)", "sound card"],
    }));
  test(".vbox", () =>
    expect(drives("Lab.vbox", bytes(VBOX))).toEqual({
      name: "Lab", memory: 768, drives: ["ide0-master disk appliance:lab.vdi", "ide1-master cdrom appliance:net.iso"], files: ["lab.vdi", "net.iso"],
      missing: ["4 processors (it gets one)", "snapshots of lab.vdi (differencing images)", "network card (82540EM)", "sound card"],
    }));
  test(".vmc in UTF-16", () =>
    expect(drives("xp.vmc", utf16(VMC))).toEqual({ name: "xp", memory: 384, drives: ["ide0-master disk appliance:xp.vhd", "ide1-master cdrom "], files: ["xp.vhd"], missing: ["network card (DEC 21140)", "sound card"] }));
});

describe("OVA", () => {
  const disk = Uint8Array.from({ length: 3000 }, (_, i) => i & 0xff);
  const iso = bytes("an iso");
  const sha = (algorithm: string, data: Uint8Array) => createHash(algorithm).update(data).digest("hex");
  const ova = async (manifest: string | null, more: Uint8Array = disk) =>
    new Blob((await makeTar([{ name: "box.ovf", bytes: bytes(OVF) }, ...(manifest === null ? [] : [{ name: "box.mf", bytes: bytes(manifest) }]), { name: "box-disk1.vmdk", bytes: more }, { name: "tools.iso", bytes: iso }])) as BlobPart[]);
  const good = `SHA256(box.ovf)= ${sha("sha256", bytes(OVF))}\nSHA1(box-disk1.vmdk)= ${sha("sha1", disk)}\r\n`;
  test("its files are those that it names, and their hashes are checked", async () => {
    for (const manifest of [good, null]) {
      const read = await readAppliance([{ name: "box.ova", blob: await ova(manifest) }]);
      expect([...read.files.keys()]).toEqual(["tools.iso", "box-disk1.vmdk"]);
      expect(new Uint8Array(await (read.files.get("box-disk1.vmdk") as Blob).arrayBuffer())).toEqual(disk);
    }
    const other = disk.slice();
    other[7] = 0;
    await expect(readAppliance([{ name: "box.ova", blob: await ova(good, other) }])).rejects.toMatchObject({ fault: { code: "appliance.hash" } });
    await expect(readAppliance([{ name: "box.ova", blob: await ova("SHA256(gone.vmdk)= 00") }])).rejects.toMatchObject({ fault: { code: "appliance.bad" } });
    await expect(readAppliance([{ name: "box.ovf", blob: new Blob([OVF]) }])).rejects.toMatchObject({ fault: { code: "appliance.file" } });
  });
  test("cut short or changed, it is a Fault or still itself", async () => {
    const whole = new Uint8Array(await (await ova(good)).arrayBuffer());
    const dice = noise(5);
    for (let i = 0; i < 60; i++) {
      const bad = whole.slice(0, i % 3 === 0 ? Math.floor(dice() * whole.length) : whole.length);
      for (let n = 0; n < 4 && bad.length > 0; n++) bad[Math.floor(dice() * bad.length)] = dice() * 256;
      await readAppliance([{ name: "box.ova", blob: new Blob([bad]) }]).catch((error: unknown) => expect(error).toBeInstanceOf(FaultError));
    }
  }, 30_000);
});
test("strangers' descriptions are Faults or machines", () => {
  const dice = noise(6);
  for (const [name, text] of [["a.ovf", OVF], ["a.vmx", VMX], ["a.vbox", VBOX], ["a.vmc", VMC]] as const) {
    for (const one of [`<!DOCTYPE x [<!ENTITY a "b">]>${text}`, "", "<", "\0\0", "<a><b></a>"]) {
      if (name === "a.vmx" && one.includes("DOCTYPE")) continue;
      expect(() => parseDescription(name, bytes(one)), `${name} ${one.slice(0, 20)}`).toThrow(FaultError);
    }
    for (let i = 0; i < 150; i++) {
      const bad = bytes(text);
      for (let n = 0; n < 5; n++) bad[Math.floor(dice() * bad.length)] = dice() * 256;
      try {
        parseDescription(name, bad);
      } catch (error) {
        expect(error, String((error as Error).stack)).toBeInstanceOf(FaultError);
      }
    }
  }
});
test("an exported OVA is read back as the same machine", async () => {
  const domain = domainSchema.parse({
    name: "My <box> & co", memoryMiB: 384, cpu: { model: "qemu64", count: 1, accel: "jit" }, clock: { mode: "wall" }, firmware: {}, boot: { kernel: "guest:x/vmlinuz" }, vga: "std",
    disks: [{ at: "ide0-slave", media: "disk", source: "library:a" }, { at: "ide1-master", media: "cdrom", source: "library:b", readOnly: true }, { at: "floppy0", media: "floppy", source: "library:c" }],
  });
  expect(notExported(domain)).toEqual(["the kernel guest:x/vmlinuz"]);
  const files = await makeOva(domain, [
    { at: "ide0-slave", media: "disk", name: "box-disk1.vmdk", bytes: bytes("a disk"), capacity: 1 << 20 },
    { at: "ide1-master", media: "cdrom", name: "box-a.iso", bytes: bytes("a cd"), capacity: 4 },
    { at: "floppy0", media: "floppy", name: "box-b.img", bytes: bytes("a floppy"), capacity: 8 },
  ], "box");
  expect(files.map((f) => f.name)).toEqual(["box.ovf", "box.mf", "box-disk1.vmdk", "box-a.iso", "box-b.img"]);
  const read = await readAppliance([{ name: "box.ova", blob: new Blob((await makeTar(files)) as BlobPart[]) }]);
  expect(read.missing).toEqual([]);
  expect(read.domain.name).toBe("My <box> & co");
  expect(read.domain.memoryMiB).toBe(384);
  expect(read.domain.disks.map((d) => `${d.at} ${d.media} ${d.source}`)).toEqual(["ide0-slave disk appliance:box-disk1.vmdk", "ide1-master cdrom appliance:box-a.iso", "floppy0 floppy appliance:box-b.img"]);
  expect(await read.files.get("box-b.img")?.text()).toBe("a floppy");
  await expect(makeOva(domain, [], "box")).rejects.toBeInstanceOf(FaultError);
});
