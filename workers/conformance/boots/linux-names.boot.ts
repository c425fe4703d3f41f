// What the inspector finds in the memory of a running Linux, against what the guest says of itself: names of the kernel (kallsyms) and processes with
// their page tables, for the 64-bit and the 32-bit kernel, while a program spins at ring 3.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LinuxTask } from "../../../src/contract/inspect.ts";
import { domainSchema } from "../../../src/contract/domain.ts";
import { createMonitor } from "../../monitor/index.ts";
import { root, Stage } from "./stage.ts";

/** The guest as it was saved at its prompt, which is there at once. */
function resumed(id: string) {
  const rows = JSON.parse(readFileSync(join(root, "images/build/index.json"), "utf8")) as { id: string; config: unknown }[];
  return domainSchema.parse(rows.find((r) => r.id === id)?.config);
}
describe.each(["debian-amd64", "debian-i386"])("%s", (id) => {
  it("names of the kernel and processes are the guest's own", async () => {
    const stage = await Stage.open(resumed(id));
    const monitor = createMonitor({ ...stage.node, version: "test" });
    const ask = async <T>(line: string): Promise<T> => {
      const reply = await monitor.execute(line, {});
      if (!reply.ok) throw new Error(`${line}: ${reply.error.message}`);
      return reply.value as T;
    };
    await stage.node.machine.start();
    await stage.until(() => stage.text().includes("~ #"), 60, "the prompt");
    const said = async (command: string): Promise<string> => {
      const from = stage.text().length;
      stage.type(`${command}; echo end-$((40+2))\r`);
      await stage.until(() => stage.text().slice(from).includes("end-42"), 120, command);
      return stage.text().slice(from);
    };
    const names = await said(`for s in schedule vfs_read start_kernel; do grep -w $s /proc/kallsyms; done; wc -l < /proc/kallsyms`);
    const inGuest = [...names.matchAll(/^([0-9a-f]{8,16}) \w (\w+)/gm)].map(([, at, name]) => [name, BigInt(`0x${at}`)] as const);
    expect(inGuest.length, names).toBe(3);
    const listed = await said("for p in /proc/[0-9]*; do read x y z < $p/stat; echo T=$x.$y; done; cat /sys/devices/system/cpu/vulnerabilities/meltdown");
    stage.type("sh -c 'while :; do :; done' &\r");
    await new Promise((r) => setTimeout(r, 1500));
    // At ring 3, where page-table isolation hides the kernel.
    for (let n = 0; n < 200; n++) {
      stage.node.machine.pause();
      if (stage.node.cpu.registers().cpl === 3) break;
      stage.node.machine.resume();
      await new Promise((r) => setTimeout(r, 20));
    }
    expect(stage.node.cpu.registers().cpl).toBe(3);
    expect(await ask<number>("symbols linux")).toBeGreaterThan(40_000);
    for (const [name, at] of inGuest) expect(stage.node.debug.symbols.address(name as string), name).toBe(at);
    const tasks = await ask<readonly LinuxTask[]>("info tasks");
    const found = new Map(tasks.map((t) => [t.pid, t.comm]));
    const there = [...listed.matchAll(/T=(\d+)\.\((.*)\)/g)];
    expect(there.length).toBeGreaterThan(20);
    // The process that listed them, and what the kernel began or ended since, may differ.
    const same = there.filter(([, pid, comm]) => comm?.startsWith(found.get(Number(pid)) ?? "-"));
    expect(same.length, `${JSON.stringify([...found])} ${listed}`).toBeGreaterThanOrEqual(there.length - 3);
    expect(found.get(0)).toMatch(/^swapper/);
    // The program that spins has the processor.
    expect(tasks.filter((t) => t.current).map((t) => t.comm)).toEqual(["sh"]);
    expect(tasks.filter((t) => t.cr3 !== null && t.comm.startsWith("k")).map((t) => t.comm)).toEqual([]);
    console.log(id, tasks.length, "tasks;", listed.split("\r\n").at(-2), "CR3", stage.node.cpu.registers().cr3.toString(16), tasks.find((t) => t.current));
    await stage.node.close();
  }, 400_000);
});
