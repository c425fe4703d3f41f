// Suspend to RAM and back: the stock Debian kernel's own path through ACPI S3, SeaBIOS's resume and the kernel's wake-up vector.

import { expect, test } from "vitest";
import { guestConfig, Stage } from "./stage.ts";

test("debian-amd64 suspends to RAM and comes back by system_wakeup and by a key", async () => {
  const stage = await Stage.open(guestConfig("debian-amd64"));
  const { machine, input, cpu } = stage.node;
  await machine.start();
  await stage.until(() => stage.text().includes("Type commands here"), 240, "the prompt");
  for (const [n, wake] of [() => machine.wakeUp(), () => input.key(0x1e, true)].entries()) {
    stage.type(`echo mem > /sys/power/state; echo back $((${n} + 40))\n`);
    await stage.until(() => machine.suspended, 60, "the guest suspends");
    const before = cpu.instructions();
    await new Promise((r) => setTimeout(r, 200));
    expect(cpu.instructions()).toBe(before);
    wake();
    await stage.until(() => stage.text().includes(`back ${n + 40}`), 60, "the shell goes on");
  }
  machine.powerOff();
}, 400_000);
