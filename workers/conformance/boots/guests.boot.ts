// Real guests in Node, on the real core: firmware, both Debians to their prompts, memtest86+, and the boot sectors. `npm run boots`.

import { describe, expect, it } from "vitest";
import { domainSchema } from "../../../src/contract/domain.ts";
import { guestConfig, Stage } from "./stage.ts";

describe("firmware", () => {
  it("SeaBIOS runs to its boot menu's end and says so on screen and debug port", async () => {
    const base = guestConfig("debian-amd64");
    const stage = await Stage.open(domainSchema.parse({ ...base, firmware: { debug: true }, memoryMiB: 64, boot: {} }));
    await stage.node.machine.start();
    await stage.until(() => stage.screen().includes("No bootable device"), 20, "SeaBIOS");
    expect(stage.screen()).toMatch(/SeaBIOS \(version 1\./);
    expect(stage.text("debugcon")).toContain("Found QEMU fw_cfg");
    expect(stage.missing()).toEqual([]);
  });
});

describe("Debian", () => {
  for (const [id, machine] of [
    ["debian-amd64", "x86_64"],
    ["debian-i386", "i686"],
  ] as const)
    it(`${id} reaches its prompt on the serial console and on the screen, and answers`, async () => {
      const stage = await Stage.open(guestConfig(id));
      await stage.node.machine.start();
      await stage.until(() => stage.text().includes("Type commands here"), 300, `${id} boot`);
      stage.type("uname -m; echo $((6*7))\r");
      await stage.until(() => stage.text().includes(`\r\n${machine}\r\n42\r\n`), 30, "uname on the serial console");
      await stage.until(() => /BOOT-OK Linux 6\.\S+ /.test(stage.screen()), 10, "prompt on the screen");
      for (const key of "echo screen-$((40+2))") stage.node.input.typeText(key);
      stage.node.input.typeText("\n");
      await stage.until(() => stage.screen().includes("screen-42\n") || stage.screen().includes("screen-42 "), 30, "echo on the screen");
      // What the kernel found: the counters of HPET and ACPI, SMBIOS through fw_cfg, both buttons of PM1, the processors' mode switches.
      const asked = [
        // The 32-bit kernel times ten milliseconds of the ACPI timer by the PIT, and leaves it out when the host was away just then; for the same reason both
        // may measure the TSC wrong, and leave it later, when the HPET contradicts.
        ["cat /sys/devices/system/clocksource/clocksource0/available_clocksource", machine === "x86_64" ? /^(tsc )?hpet acpi_pm\s*$/m : /^(tsc )?hpet( acpi_pm)?\s*$/m],
        ["cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name", /^Guesthouse\r?\n\S+/m],
        ["ls /sys/bus/acpi/devices", /LNXPWRBN:00\s[\s\S]*LNXSLPBN:00/],
      ] as const;
      for (const [line, answer] of asked) {
        const before = stage.text().length;
        stage.type(`${line}; echo end-$((40+2))\r`);
        await stage.until(() => stage.text().slice(before).includes("end-42"), 30, line);
        expect(stage.text().slice(before)).toMatch(answer);
      }
      stage.type("poweroff -f\r");
      const end = Date.now() + 30_000;
      while (stage.node.machine.state === "running" && Date.now() < end) await new Promise((r) => setTimeout(r, 50));
      expect(stage.node.machine.last).toMatchObject({ state: "off", reason: "poweroff" });
      expect(stage.missing()).toEqual([]);
    });
});

describe("memtest86+", () => {
  it("shows its screen, and its first tests find no error (all of them: npm run memtest)", async () => {
    const stage = await Stage.open({ ...guestConfig("memtest86+"), memoryMiB: 16 });
    await stage.node.machine.start();
    await stage.until(() => stage.screen().includes("Memtest86+"), 60, "title");
    await stage.until(() => /Test #[5-9]|Errors:\s+[1-9]/.test(stage.screen()), 240, "the fifth test");
    expect(stage.screen()).toMatch(/Errors:\s+0|Errors\s+0/);
    expect(stage.missing()).toEqual([]);
  });
});

describe("first steps", () => {
  const shows: { readonly [name: string]: RegExp } = {
    "vga-text": /Hello from a boot sector of 512 bytes!/,
    modes: /16-bit real mode\s*\n32-bit protected mode\s*\n64-bit long mode/,
    paging: /written at linear 400000h, seen at physical B8000h[\s\S]*accessed = 2\): 6/,
    irq: /a hundred times a second:\s*\n\s*\d+/,
    "ring3-fault": /#GP: LGDT refused at level 3, error code 0/,
  };
  for (const [name, expected] of Object.entries(shows))
    it(name, async () => {
      const stage = await Stage.open(guestConfig(`first-steps-${name}`));
      await stage.node.machine.start();
      await stage.until(() => expected.test(stage.screen()), 10, name);
      expect(stage.missing()).toEqual([]);
    });
});
