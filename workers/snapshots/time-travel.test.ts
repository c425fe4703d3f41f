// Going back: random moments have the states they had, interpreted and translated, with interrupts, halts, inputs and disks; steps and runs back; a recording
// that another machine plays. A slice here; `npm run history` (GUESTHOUSE_SLOW=1) goes ten thousand times, or as many as it is told.

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { COUNTERS } from "../cpu/core/layout.ts";
import { sectorMachine, type SectorMachine } from "../debugging.node.ts";

// A boot sector that counts at 500h, fills pages by REP STOSD, is interrupted by the timer (count at 508h), echoes what comes on COM1 and keeps it at 600h,
// and halts now and then:
//         bits 16
//         org 7C00h
// start:  cli
//         xor ax, ax
//         mov ds, ax
//         mov ss, ax
//         mov sp, 7C00h
//         mov word [8 * 4], tick
//         mov [8 * 4 + 2], ax
//         mov al, 11h
//         out 20h, al
//         mov al, 8
//         out 21h, al
//         mov al, 4
//         out 21h, al
//         mov al, 1
//         out 21h, al
//         mov al, 0FEh
//         out 21h, al
//         mov al, 34h
//         out 43h, al
//         mov al, 0
//         out 40h, al
//         mov al, 2               ; 512 / 1193182 s
//         out 40h, al
//         sti
// next:   inc dword [500h]
//         mov eax, [500h]         ; a page here and there
//         and eax, 3Fh
//         shl eax, 10
//         add eax, 10000h
//         shr eax, 4
//         mov es, ax
//         mov cx, 200
//         xor di, di
//         mov eax, [500h]
//         rep stosd
//         mov dx, 3FDh
//         in al, dx
//         test al, 1
//         jz rest
//         mov dx, 3F8h
//         in al, dx
//         mov bx, [504h]
//         mov [bx + 600h], al
//         inc word [504h]
//         out dx, al
// rest:   test byte [500h], 7
//         jnz next
//         hlt
//         jmp next
// tick:   inc dword [508h]
//         push ax
//         mov al, 20h
//         out 20h, al
//         pop ax
//         iret
//         times 510 - ($ - $$) db 0
//         dw 0AA55h
const program = new Uint8Array(512);
program.set(Buffer.from("+jHAjtiO0LwAfMcGIACAfKMiALAR5iCwCOYhsATmIbAB5iGw/uYhsDTmQ7AA5kCwAuZA+2b/BgAFZqEABWaD4D9mweAKZgUAAAEAZsHoBI7AucgAMf9moQAF82aruv0D7KgBdBG6+APsix4EBYiHAAb/BgQF7vYGAAUHdbf067Rm/wYIBVCwIOYgWM8=", "base64"));
program.set([0x55, 0xaa], 510);

const SLOW = process.env.GUESTHOUSE_SLOW === "1";
const TIMES = SLOW ? Number(process.env.GUESTHOUSE_TIMES ?? 10_000) : 25;
const more = { serial: ["console"] };
function hashOf(made: SectorMachine): string {
  const { block } = made.cpu.save() as unknown as { block: Uint8Array };
  block.fill(0, COUNTERS, COUNTERS + 64);
  const ram = new Uint8Array(1 << 20);
  made.board.memory.read(0, ram);
  return createHash("sha256").update(block).update(ram).update(String(made.board.clock.now())).digest("hex");
}
function random(seed: number): () => number {
  let s = seed;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}
const word = (made: SectorMachine, at: number) => {
  const bytes = new Uint8Array(4);
  made.board.memory.read(at, bytes);
  return new DataView(bytes.buffer).getUint32(0, true);
};
async function recorded(accel: "interp" | "jit", length: number): Promise<SectorMachine> {
  const made = await sectorMachine(program, more, accel, 30_000);
  await made.machine.start({ paused: true });
  expect(await made.type("record")).toBe("");
  // Inputs at odd moments.
  const next = random(5);
  for (let n = 1; n <= 10; n++) {
    made.machine.advance(Math.floor((length * (n - 1 + next())) / 10));
    made.serial.feed([0x40 + n, 0x60 + n].slice(0, 1 + (n & 1)));
  }
  made.machine.advance(length);
  return made;
}

describe.each(["interp", "jit"] as const)("%s", (accel) => {
  test(`${TIMES} random moments`, async () => {
    const length = SLOW ? 3_000_000 : 300_000;
    const made = await recorded(accel, length);
    expect(word(made, 0x504)).toBe(15);
    expect(word(made, 0x508)).toBeGreaterThan(5);
    const next = random(7);
    const moments = Array.from({ length: SLOW ? 200 : 12 }, () => Math.floor(next() * length)).sort((a, b) => a - b);
    const end = hashOf(made);
    // Forward once, noting what each was like.
    await made.type("goto 0");
    const expected = new Map<number, string>();
    for (const moment of moments) {
      made.history?.goTo(moment);
      expect(made.cpu.instructions()).toBe(moment);
      expected.set(moment, hashOf(made));
    }
    expect(new Set(expected.values()).size).toBe(new Set(moments).size);
    for (let n = 0; n < TIMES; n++) {
      const moment = moments[Math.floor(next() * moments.length)] as number;
      made.history?.goTo(moment);
      expect(hashOf(made), `moment ${moment}, time ${n}`).toBe(expected.get(moment));
    }
    made.history?.goTo(length);
    expect(hashOf(made)).toBe(end);
  }, 3_600_000);
  test("a run that was never recorded ends in the same state", async () => {
    const made = await sectorMachine(program, more, accel);
    await made.machine.start({ paused: true });
    made.machine.advance(70_000);
    made.serial.feed([0x41]);
    made.machine.advance(100_000);
    const other = await sectorMachine(program, more, accel, 20_000);
    await other.machine.start({ paused: true });
    await other.type("record");
    other.machine.advance(70_000);
    other.serial.feed([0x41]);
    other.machine.advance(90_000);
    await other.type("goto 100");
    await other.type("goto 100000");
    expect(hashOf(other)).toBe(hashOf(made));
  });
  test("steps back, runs back to breakpoints, and stops at the beginning", async () => {
    const made = await recorded(accel, 100_000);
    const trail: [number, bigint][] = [];
    for (let n = 0; n < 20; n++) {
      trail.push([made.cpu.instructions(), made.cpu.linearIp()]);
      made.machine.advance(made.cpu.instructions() + 1);
    }
    for (const [at, ip] of trail.reverse()) {
      await made.type("reverse-stepi");
      expect([made.cpu.instructions(), made.cpu.linearIp()]).toEqual([at, ip]);
    }
    // The handler: its second instruction, each time it ran.
    const tick = word(made, 0x20) & 0xffff;
    const ticks = word(made, 0x508);
    await made.type(`break ${tick}`);
    for (let n = 1; n <= 5; n++) {
      expect(await made.type("reverse-continue")).toContain("about to execute");
      expect([made.cpu.linearIp(), word(made, 0x508)]).toEqual([BigInt(tick), ticks - n]);
    }
    await made.type("delete");
    await made.type("watch phys 0x600 /1 if p8[0x600] != 0");
    expect(await made.type("reverse-continue")).toContain("wrote 1 watched bytes at 0x600");
    expect(word(made, 0x600)).toBe(0x41);
    await made.type("delete");
    expect(await made.type("reverse-continue")).toContain("the beginning of what is known");
    expect(made.cpu.instructions()).toBe(0);
    expect(await made.type("reverse-stepi 5")).toContain("the beginning of what is known");
  });
  test("who is spoken to in the past takes another way; who changes it begins anew", async () => {
    const made = await recorded(accel, 100_000);
    await made.type("goto 40000");
    const had = word(made, 0x504);
    made.serial.feed([0x7a]);
    made.machine.advance(100_000);
    expect(word(made, 0x504)).toBe(had + 1);
    expect(made.history?.info().to).toBe(100_000);
    await made.type("poke 0x508 32 0");
    expect(await made.type("goto 100")).toContain("the beginning of what is known");
    expect(made.cpu.instructions()).toBe(100_000);
  });
});

test("a million instructions back in less than a second", async () => {
  // inc dword [500h]; add eax, ebx; jmp back
  const loop = new Uint8Array(512);
  loop.set([0x66, 0xff, 0x06, 0x00, 0x05, 0x66, 0x01, 0xd8, 0xeb, 0xf6]);
  loop.set([0x55, 0xaa], 510);
  const made = await sectorMachine(loop, more, "jit", 10_000_000);
  await made.machine.start({ paused: true });
  await made.type("record");
  made.machine.advance(25_000_000);
  const began = performance.now();
  made.history?.stepBack(1_000_000);
  const took = performance.now() - began;
  expect(made.cpu.instructions()).toBe(24_000_000);
  // Generous: the machine that tests may be busy.
  expect(took).toBeLessThan(3000);
  console.log(`1,000,000 instructions back: ${took.toFixed(0)} ms`);
});
test("a recording is played by another machine; inputs are part of it", async () => {
  const made = await recorded("jit", 120_000);
  const end = hashOf(made);
  let file: Uint8Array | undefined;
  const { createMonitor } = await import("../monitor/index.ts");
  const saving = createMonitor({ ...made, version: "t", ...(made.history ? { history: made.history } : {}), saveFile: (_, bytes) => { file = bytes; } });
  expect((await saving.type("record_save x")).ok).toBe(true);
  expect(hashOf(made)).toBe(end);
  const other = await sectorMachine(program, more, "interp", 70_000);
  const playing = createMonitor({ ...other, version: "t", ...(other.history ? { history: other.history } : {}), readFile: () => file as Uint8Array });
  expect(await playing.type("replay x")).toMatchObject({ ok: true, value: "The recording ends at instruction 120000." });
  other.machine.resume();
  await other.machine.stopped();
  expect(other.debug.stop).toMatchObject({ reason: "end", instructions: 120_000 });
  expect(hashOf(other)).toBe(end);
  const broken = (file as Uint8Array).slice(0, 100);
  const refusing = createMonitor({ ...other, version: "t", ...(other.history ? { history: other.history } : {}), readFile: () => broken });
  expect(await refusing.type("replay x")).toMatchObject({ ok: false, error: { code: "recording.bad" } });
});
test("a machine that follows the host's clock says why it cannot", async () => {
  const made = await sectorMachine("irq", { clock: { mode: "wall" } });
  expect(await made.type("record")).toBe("Only a machine whose time is instructions can go back.");
});
