// The remote protocol without gdb: sessions that the real one had (golden/*.packets.txt) are played again, and what gdb 13 does not send by itself.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sectorMachine, type SectorMachine } from "../debugging.node.ts";
import { partsOf } from "./parts.testing.node.ts";
import { target32, target64 } from "./registers.ts";
import { GdbStub } from "./stub.ts";

const sum = (body: string) => [...body].reduce((s, c) => (s + c.charCodeAt(0)) & 255, 0).toString(16).padStart(2, "0");
class Client {
  readonly stub: GdbStub;
  readonly made: SectorMachine;
  #out = "";
  killed = false;
  constructor(made: SectorMachine) {
    this.made = made;
    this.stub = new GdbStub(partsOf(made, () => (this.killed = true)), (bytes) => (this.#out += Buffer.from(bytes).toString("latin1")));
  }
  raw(text: string): void {
    this.stub.receive(Buffer.from(text, "latin1"));
  }
  /** Everything that came since the last call. */
  async taken(): Promise<string> {
    await this.stub.settled();
    const out = this.#out;
    this.#out = "";
    return out;
  }
  /** The next reply's body. */
  async reply(): Promise<string> {
    for (let n = 0; n < 3000; n++) {
      await this.stub.settled();
      const m = /\$([^#]*)#(..)/.exec(this.#out);
      if (m) {
        expect(m[2]).toBe(sum(m[1] as string));
        this.#out = this.#out.slice(m.index + m[0].length);
        return m[1] as string;
      }
      await new Promise((r) => setTimeout(r, 5));
    }
    throw new Error("no reply");
  }
  async ask(body: string): Promise<string> {
    this.raw(`$${body}#${sum(body)}`);
    return this.reply();
  }
}
async function client(...args: Parameters<typeof sectorMachine>): Promise<Client> {
  const made = await sectorMachine(...args);
  await made.machine.start({ paused: true });
  return new Client(made);
}

describe("sessions that gdb 13 had", () => {
  test.each([["modes", "modes"], ["reverse", "irq"]] as const)("%s", async (name, sector) => {
    const lines = readFileSync(join(import.meta.dirname, `golden/${name}.packets.txt`), "utf8").trim().split("\n");
    const c = await client(sector, {}, "jit");
    let at = 0;
    for (const line of lines) {
      const body = line.slice(2);
      at++;
      if (line.startsWith("> ")) c.raw(body === "^C" ? "\x03" : `$${body}#${sum(body)}`);
      else expect(await c.reply(), `line ${at}: after ${lines.slice(0, at - 1).filter((l) => l.startsWith(">")).pop()}`).toBe(body);
    }
    expect(lines.length).toBeGreaterThan(40);
  }, 60_000);
});
describe("packets", () => {
  test("acknowledgements, damaged packets, packets in pieces, no-ack mode", async () => {
    const c = await client("irq");
    c.raw("$qC#b4");
    expect(await c.taken()).toBe("+$QC01#f5");
    c.raw("$qC#00");
    expect(await c.taken()).toBe("-");
    c.raw("+$q");
    c.raw("C#b");
    c.raw("4");
    expect(await c.taken()).toBe("+$QC01#f5");
    expect(await c.ask("QStartNoAckMode")).toBe("OK");
    await c.taken();
    c.raw("$qC#b4");
    expect(await c.taken()).toBe("$QC01#f5");
  });
  test("target description in pieces; registers match it", async () => {
    const c = await client("irq");
    let xml = "";
    for (;;) {
      const piece = await c.ask(`qXfer:features:read:target.xml:${xml.length.toString(16)},400`);
      xml += piece.slice(1);
      if (piece[0] === "l") break;
      expect(piece[0]).toBe("m");
    }
    expect(xml).toBe(target64.xml);
    expect(target32.xml).toContain("<architecture>i386</architecture>");
    const all = await c.ask("g");
    expect(all.length).toBe(target64.registers.reduce((s, r) => s + r.bits / 4, 0));
    // rip is register 16.
    expect(await c.ask("p10")).toBe("007c000000000000");
    expect(await c.ask("P0=8877665544332211")).toBe("OK");
    expect((await c.ask("g")).slice(0, 16)).toBe("8877665544332211");
    expect(await c.ask(`G${await c.ask("g")}`)).toBe("OK");
    expect(await c.ask("p999")).toBe("E14");
  });
  test("a processor without 64-bit mode is an i386", async () => {
    const c = await client("irq", { cpu: { model: "qemu64,-lm", count: 1, accel: "interp" } });
    expect(await c.ask("qXfer:features:read:target.xml:0,ffff")).toBe(`l${target32.xml}`);
    expect((await c.ask("g")).length).toBe(target32.registers.reduce((s, r) => s + r.bits / 4, 0));
  });
  test("memory: reads up to what is mapped, writes, binary writes, errors", async () => {
    const c = await client("irq");
    expect(await c.ask("m7dfe,2")).toBe("55aa");
    expect(await c.ask("M600,3:010203")).toBe("OK");
    expect(await c.ask("X603,2:}\x03\x04")).toBe("OK");
    expect(await c.ask("m600,5")).toBe("0102032304");
    expect(await c.ask("mfee00000,4")).toBe("E14");
    expect(await c.ask("M600,2:01")).toBe("E14");
    expect(await c.ask("mzz,4")).toBe("E22");
    expect(await c.ask("X600,0:")).toBe("OK");
  });
  test("breakpoints and watchpoints of every type stop with the right reason and go when the client goes", async () => {
    const c = await client("irq");
    await c.ask("qSupported:hwbreak+;swbreak+");
    expect(await c.ask("Z0,7c50,1")).toBe("OK");
    expect(await c.ask("Z0,7c50,1")).toBe("OK");
    expect(c.made.debug.list()).toHaveLength(1);
    expect(await c.ask("vCont;c:1;c")).toBe("T05hwbreak:;thread:01;");
    expect(await c.ask("z0,7c50,1")).toBe("OK");
    const word = Buffer.from(await c.ask("m7c52,2"), "hex").readUInt16LE(0);
    expect(await c.ask(`Z2,${word.toString(16)},2`)).toBe("OK");
    expect(await c.ask("vCont;c")).toBe(`T05watch:${word.toString(16)};thread:01;`);
    expect(await c.ask(`z2,${word.toString(16)},2`)).toBe("OK");
    expect(await c.ask(`Z3,${word.toString(16)},2`)).toBe("OK");
    expect(await c.ask("c")).toBe(`T05rwatch:${word.toString(16)};thread:01;`);
    expect(await c.ask(`z3,${word.toString(16)},2`)).toBe("OK");
    expect(await c.ask(`Z4,${word.toString(16)},2`)).toBe("OK");
    expect(await c.ask("vCont;c")).toBe(`T05awatch:${word.toString(16)};thread:01;`);
    expect(await c.ask("Z9,0,1")).toBe("");
    c.stub.close();
    expect(c.made.debug.list()).toHaveLength(0);
    expect(c.made.machine.state).toBe("running");
    c.made.machine.powerOff();
  });
  test("steps, interrupt, detach, kill, and a machine that goes off", async () => {
    const c = await client("irq");
    expect(await c.ask("vCont;s:1")).toBe("T05thread:01;");
    expect(await c.ask("p10")).toBe("017c000000000000");
    expect(await c.ask("s")).toBe("T05thread:01;");
    c.raw(`$vCont;c#${sum("vCont;c")}`);
    await new Promise((r) => setTimeout(r, 30));
    c.raw("\x03");
    expect(await c.reply()).toBe("T02thread:01;");
    c.raw(`$vCont;c#${sum("vCont;c")}`);
    await c.taken();
    c.made.machine.powerOff();
    expect(await c.reply()).toBe("W00");
    const d = await client("irq");
    expect(await d.ask("D")).toBe("OK");
    expect(d.made.machine.state).toBe("running");
    d.raw(`$k#${sum("k")}`);
    await d.taken();
    expect(d.killed).toBe(true);
    d.made.machine.powerOff();
  });
  test("back: without checkpoints an error, with them to the beginning", async () => {
    const c = await client("irq");
    expect(await c.ask("bs")).toBe("E22");
    expect(await c.ask(`qRcmd,${Buffer.from("record").toString("hex")}`)).toBe(Buffer.from("\n").toString("hex"));
    await c.ask("vCont;s");
    await c.ask("vCont;s");
    expect(await c.ask("bs")).toBe("T05thread:01;");
    expect(await c.ask("p10")).toBe("017c000000000000");
    expect(await c.ask("bc")).toBe("T05replaylog:begin;thread:01;");
  });
  test("what is not understood is an empty reply, threads are processors", async () => {
    const c = await client("irq");
    expect(await c.ask("vMustReplyEmpty")).toBe("");
    expect(await c.ask("qTStatus")).toBe("");
    expect(await c.ask("Hg1")).toBe("OK");
    expect(await c.ask("Hg2")).toBe("E22");
    expect(await c.ask("T1")).toBe("OK");
    expect(await c.ask("T2")).toBe("E22");
    expect(await c.ask("qfThreadInfo")).toBe("m01");
    expect(await c.ask("qsThreadInfo")).toBe("l");
    expect(Buffer.from(await c.ask("qThreadExtraInfo,1"), "hex").toString()).toBe("CPU#0 [running]");
  });
});
