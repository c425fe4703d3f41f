// The real gdb drives a machine through the stub: what it prints about boot sectors of first-steps is a golden file, and packets of a session are kept so
// that the protocol is tested where there is no gdb (stub.test.ts). GUESTHOUSE_GDB_RECORD=1 writes both anew.

import { execFile, execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sectorMachine, type SectorMachine } from "../debugging.node.ts";
import { partsOf } from "./parts.testing.node.ts";
import { GdbStub } from "./stub.ts";

const golden = join(import.meta.dirname, "golden");
const RECORD = process.env.GUESTHOUSE_GDB_RECORD === "1";
function gdbVersion(): string {
  try {
    return execFileSync("gdb", ["--version"], { encoding: "utf8" }).split("\n")[0] ?? "";
  } catch {
    return "";
  }
}
const version = gdbVersion();
/** gdb with these commands against a machine; what it printed, and the packets of both sides. */
async function session(made: SectorMachine, commands: readonly string[]): Promise<{ printed: string; packets: string[] }> {
  const packets: string[] = [];
  let socket: Socket | null = null;
  const note = (from: string, data: string) => {
    for (const m of data.replaceAll("\x03", "$^C#00").matchAll(/\$([^#]*)#../g)) packets.push(`${from} ${m[1]}`);
  };
  const server = createServer((s) => {
    socket = s;
    const stub = new GdbStub(partsOf(made, () => s.destroy()), (bytes) => {
      note("<", Buffer.from(bytes).toString("latin1"));
      s.write(bytes);
    });
    s.on("data", (data) => {
      const bytes = typeof data === "string" ? Buffer.from(data) : data;
      note(">", bytes.toString("latin1"));
      stub.receive(bytes);
    });
    s.on("close", () => stub.close());
    s.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const args = ["-nx", "-batch", "-ex", "set pagination off", "-ex", "set confirm off", "-ex", `target remote 127.0.0.1:${port}`, ...commands.flatMap((c) => ["-ex", c])];
  const printed = await new Promise<string>((resolve) => execFile("gdb", args, { timeout: 100_000, env: { ...process.env, LC_ALL: "C" } }, (_, stdout) => resolve(stdout)));
  (socket as Socket | null)?.destroy();
  server.close();
  made.machine.powerOff();
  return { printed, packets };
}
const SCRIPTS: readonly { readonly name: string; readonly sector: Parameters<typeof sectorMachine>[0]; readonly commands: readonly string[] }[] = [
  {
    name: "modes",
    sector: "modes",
    commands: [
      "info threads", "info registers rip rsp eflags cs ds cr0 cr3 efer", "x/3i $pc", "stepi", "p/x $rip", "x/4xb 0x7c00", "hbreak *0x7c37", "continue", "p/x $cr0", "info registers cs",
      "set $rax = 0x1122334455667788", "p/x $rax", "set {int}0x600 = 0x12345678", "x/xw 0x600", "p $xmm1", "set $xmm1.uint128 = 7", "p $xmm1.v2_int64", "p $st0", "info registers fctrl mxcsr", "delete",
      "watch *(unsigned int *)0x1000", "continue", "p/x *(unsigned int *)0x1000", "x/i $pc", "delete", "monitor info status", "monitor nonsense", "detach",
    ],
  },
  {
    name: "reverse",
    sector: "irq",
    commands: [
      "monitor record", "hbreak *0x7c4d", "continue", "continue", "continue", "p *(unsigned short *)0x7c99", "reverse-continue", "p $rip", "reverse-stepi", "x/i $pc", "stepi", "x/i $pc",
      "delete", "reverse-continue", "p/x $rip", "kill",
    ],
  },
];
if (version === "") console.log("gdb.test.ts: gdb is not installed (apt install gdb): the real gdb is not driven");

describe.skipIf(version === "")("the real gdb", () => {
  test.each(SCRIPTS)("$name", async ({ name, sector, commands }) => {
    const made = await sectorMachine(sector, {}, "jit");
    await made.machine.start({ paused: true });
    const { printed, packets } = await session(made, commands);
    const text = printed.replace(/127\.0\.0\.1:\d+/g, "HOST:PORT");
    if (RECORD) {
      writeFileSync(join(golden, `${name}.gdb.txt`), text);
      writeFileSync(join(golden, `${name}.packets.txt`), `${packets.join("\n")}\n`);
    }
    expect(text).toBe(readFileSync(join(golden, `${name}.gdb.txt`), "utf8"));
  }, 120_000);
  test("Ctrl-C stops a running machine, and the session goes on", async () => {
    const made = await sectorMachine("irq", { clock: { mode: "wall" } });
    await made.machine.start({ paused: true });
    const { printed } = await session(made, ["python import threading; threading.Timer(1.5, lambda: gdb.post_event(lambda: gdb.execute('interrupt'))).start()", "continue", "p $cs", "stepi", "info registers rip"]);
    expect(printed).toMatch(/SIGINT[\s\S]*\$1 = 0[\s\S]*rip/);
  }, 120_000);
});
