// A machine that is loaded goes on exactly as the one that was saved: same output, same registers, same memory. Saved machines from strangers
// are Faults; a fixture of format 1 stays loadable.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { domainSchema } from "../../src/contract/domain.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { NodeFile } from "../backends/byte-file.node.ts";
import { QueueBytes } from "../backends/bytes.ts";
import { loadZstd } from "../backends/compress.ts";
import { createQcow2 } from "../backends/formats/qcow2.ts";
import { now } from "../backends/io.ts";
import { CapturePicture } from "../backends/picture.ts";
import { hasQemuImg, noise, qemuImg } from "../backends/testing/qemu-img.node.ts";
import type { PoolMemory } from "../cpu/guest-memory.ts";
import { createMonitor } from "../monitor/index.ts";
import { type NodeMachine, openMachine } from "../node-machine.ts";
import type { State } from "../platform/types.ts";
import { makeSeed, seedVm } from "./clone.ts";
import { captureVm, restoreVm } from "./save-vm.ts";
import { decodeState, encodeState } from "./state-codec.ts";
import { decodeVm, encodeVm } from "./vm-file.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "gh-vm-"));
/**
 * A boot sector that never repeats itself, as NASM assembles it:
 *   cli; xor ax,ax; mov ds,ax; mov sp,0x7c00; mov ebx,12345
 *   again: imul ebx,ebx,0x41c64e6d; add ebx,12345; mov eax,ebx; shr eax,16; mov si,ax; and si,0x3ffe
 *   mov [patch+1],al; nop; patch: mov dl,0; mov [si+0x9000],dl; inc dword [0x8000]; test word [0x8000],0xfff; jnz again
 *   mov dx,0x3f8; mov al,bl; and al,15; add al,'A'; out dx,al; jmp again
 */
const PROGRAM = Buffer.from("fa31c08ed8bc007c66bb393000006669db6d4ec6416681c3393000006689d866c1e81089c681e6fe3fa22e7c90b2008894009066ff060080f7060080ff0f75cebaf80388d8240f0441eeebc2", "hex");
const disk = join(folder, "boot.img");
const sector = new Uint8Array(512);
sector.set(PROGRAM);
sector.set([0x55, 0xaa], 510);
writeFileSync(disk, sector);

async function machine(extra: object = {}, accel: "interp" | "jit" = "interp"): Promise<NodeMachine & { readonly output: () => string }> {
  let text = "";
  const config = domainSchema.parse({
    name: "t", memoryMiB: 8, cpu: { model: "qemu64", count: 1, accel }, clock: { mode: "instructions", shift: 3 }, firmware: { bios: "none" }, boot: {}, vga: "none", serial: ["stdio"],
    disks: [{ at: "ide1-master", media: "disk", source: `file:${disk}`, format: "raw", snapshot: true }], ...extra,
  });
  const serial = new QueueBytes((byte) => {
    text += String.fromCharCode(byte);
  });
  const made = await openMachine(config, { root, bytes: () => serial, picture: new CapturePicture() });
  return { ...made, output: () => text };
}
/** Runs about `instructions` more; always the same slices from the same state. */
function run(made: NodeMachine, instructions: number): void {
  const end = made.cpu.instructions() + instructions;
  if (made.machine.state === "paused") made.board.clock.resume();
  while (made.cpu.instructions() < end) made.cpu.run(Math.min(50_000, end - made.cpu.instructions()));
}
const picture = (made: NodeMachine) => {
  const ram = new Uint8Array(8 << 20);
  made.board.memory.read(0, ram);
  return createHash("sha256").update(ram.subarray(0, 0xa0000)).update(ram.subarray(0x100000)).update(JSON.stringify(made.cpu.registers(), (_, v) => (typeof v === "bigint" ? String(v) : v))).digest("hex");
};

describe("a loaded machine goes on as the saved one", () => {
  for (const accel of ["interp", "jit"] as const)
    test(accel, async () => {
      const a = await machine({}, accel);
      await a.machine.start({ paused: true });
      run(a, 3_000_000);
      const vm = await captureVm(a.machine, a.keeper);
      const before = a.output();
      expect(before.length).toBeGreaterThan(10);
      run(a, 2_000_000);
      const after = a.output().slice(before.length);
      expect(after.length).toBeGreaterThan(10);
      const end = picture(a);
      // The same machine back in time.
      await restoreVm(a.machine, a.keeper, vm);
      run(a, 2_000_000);
      expect(a.output().slice(before.length + after.length)).toBe(after);
      expect(picture(a)).toBe(end);
      // Another machine, from the file.
      const b = await machine({}, accel);
      await restoreVm(b.machine, b.keeper, decodeVm(Buffer.concat(encodeVm(vm))));
      run(b, 2_000_000);
      expect(b.output()).toBe(after);
      expect(picture(b)).toBe(end);
    });
  test("chunks that were not written are shared, and pages arrive when they are touched", async () => {
    const a = await machine();
    await a.machine.start({ paused: true });
    run(a, 500_000);
    const first = await captureVm(a.machine, a.keeper);
    run(a, 500_000);
    const second = await captureVm(a.machine, a.keeper);
    const shared = [...second.chunks].filter(([n, c]) => first.chunks.get(n) === c).length;
    expect(second.chunks.size - shared).toBeLessThanOrEqual(2);
    // A page no instruction has touched since: changed by hand, then back.
    a.board.memory.write(0x500000, new Uint8Array(100).fill(7));
    const third = await captureVm(a.machine, a.keeper);
    expect(third.chunks.size).toBe(second.chunks.size + 1);
    expect(a.keeper.restore(second.chunks)).toBe(1);
    const got = new Uint8Array(100);
    a.board.memory.read(0x500000, got);
    expect(got.every((b) => b === 0)).toBe(true);
    expect(a.keeper.restore(third.chunks)).toBe(1);
    a.board.memory.write(0x500002, Uint8Array.of(9));
    a.board.memory.read(0x500000, got);
    expect([...got.subarray(0, 4)]).toEqual([7, 7, 9, 7]);
  });
  test("what a start touches is found out page by page; those pages come with the head and are there at once", async () => {
    const a = await machine();
    await a.machine.start({ paused: true });
    run(a, 1_000_000);
    a.board.memory.write(0x500000, new Uint8Array(0x20000).fill(7));
    const vm = await captureVm(a.machine, a.keeper);
    const touched: number[] = [];
    const b = await machine();
    b.keeper.onTouch = (page) => void touched.push(page);
    await restoreVm(b.machine, b.keeper, vm);
    b.board.memory.read(0x502ffe, new Uint8Array(4));
    expect(touched).toEqual([0x502, 0x503]);
    expect([0x501, 0x502, 0x503, 0x504].map((page) => (b.board.memory as PoolMemory).isDeferred(page))).toEqual([true, false, false, true]);
    const page = (value: number) => new Uint8Array(4096).fill(value);
    // One that no RAM is behind changes nothing.
    const hot = { pages: Uint32Array.of(0x502, 0xfffff), bytes: new Uint8Array([...page(7), ...page(9)]) };
    const packed = encodeVm({ ...vm, hot }, 9);
    const c = await machine();
    await restoreVm(c.machine, c.keeper, decodeVm(Buffer.concat(packed)));
    expect([0x502, 0x503].map((n) => (c.board.memory as PoolMemory).isDeferred(n))).toEqual([false, true]);
    const got = new Uint8Array(0x20000);
    c.board.memory.read(0x500000, got);
    expect(got.every((byte) => byte === 7)).toBe(true);
    for (const bad of [{ ...hot, bytes: page(7) }, { pages: new Uint32Array(9000), bytes: new Uint8Array(9000 * 4096) }])
      expect(() => decodeVm(Buffer.concat(encodeVm({ ...vm, hot: bad })))).toThrow("its first pages are damaged");
  });
});

test("savevm, loadvm, delvm and info snapshots over qcow2 disks", async () => {
  const state = join(folder, "state.qcow2");
  now(createQcow2(new NodeFile(state, "create"), { size: 4 << 20 }));
  const a = await machine({ disks: [{ at: "ide1-master", media: "disk", source: `file:${disk}`, format: "raw", snapshot: true }, { at: "ide0-master", media: "disk", source: `file:${state}` }] });
  const monitor = createMonitor({ ...a, version: "t", snapshots: a.snapshots });
  const type = async (line: string) => {
    const reply = await monitor.type(line);
    return reply.ok ? reply.value : reply.error.message;
  };
  expect(await type("info snapshots")).toBe("There is no snapshot available.");
  expect(await type("savevm x")).toBe("Only a machine that is on can be saved.");
  await a.machine.start({ paused: true });
  run(a, 1_000_000);
  const image = a.images.get("ide0-master");
  const writeDisk = (value: number) => now(image!.write(65536 * 3, new Uint8Array(512).fill(value)));
  const readDisk = () => {
    const out = new Uint8Array(512);
    now(image!.read(65536 * 3, out));
    return out[5];
  };
  writeDisk(1);
  expect(await type("savevm one")).toBe("");
  const one = picture(a);
  run(a, 1_000_000);
  writeDisk(2);
  expect(await type("savevm two")).toBe("");
  expect(await type("info snapshots")).toMatch(/^List of snapshots present on all disks:\nID .*\n-- {8}one .*\n-- {8}two /);
  expect(await type("loadvm one")).toBe("");
  expect(picture(a)).toBe(one);
  expect(readDisk()).toBe(1);
  expect(await type("loadvm nope")).toBe("Snapshot 'nope' does not exist.");
  expect(await type("delvm one")).toBe("");
  expect(await type("loadvm two")).toBe("");
  expect(readDisk()).toBe(2);
  const two = picture(a);
  await a.close();
  if (hasQemuImg) {
    expect(qemuImg("check", state).status).toBe(0);
    expect(qemuImg("snapshot", "-l", state).stdout).toMatch(/two +[\d.]+ [KM]iB/);
  }
  // Another process finds it there.
  const b = await machine({ disks: [{ at: "ide1-master", media: "disk", source: `file:${disk}`, format: "raw", snapshot: true }, { at: "ide0-master", media: "disk", source: `file:${state}` }] });
  await b.snapshots.load("two");
  expect(picture(b)).toBe(two);
});

test("a saved state survives as bytes", () => {
  const state: State = { a: null, b: [true, false, 1.5, -3, 2n ** 80n, -5n], c: "text ü", d: Uint8Array.of(1, 2, 3), e: { f: {} }, __proto__x: 1 };
  expect(decodeState(encodeState(state))).toEqual(state);
});

describe("strangers", () => {
  test("damaged saved machines are Faults", async () => {
    await loadZstd();
    const a = await machine();
    await a.machine.start({ paused: true });
    run(a, 200_000);
    const good = new Uint8Array(Buffer.concat(encodeVm(await captureVm(a.machine, a.keeper))));
    const dice = noise(4);
    const b = await machine();
    let refused = 0;
    for (let i = 0; i < 150; i++) {
      const bad = good.slice(0, dice() < 0.2 ? Math.floor(dice() * good.length) : good.length);
      for (let n = 0; n < 3 && bad.length > 0; n++) bad[Math.floor(dice() * dice() * bad.length)] = dice() * 256;
      try {
        await restoreVm(b.machine, b.keeper, decodeVm(bad));
        const out = new Uint8Array(8 << 20);
        b.board.memory.read(0, out);
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
  test("sections with other kinds in their fields never get through as a crash", async () => {
    const a = await machine();
    await a.machine.start({ paused: true });
    const vm = await captureVm(a.machine, a.keeper);
    const b = await machine();
    const accepted = new Set<string>();
    for (const odd of [null, 1e300, {}, new Uint8Array(3)] as State[])
      for (const section of vm.sections.sections) {
        const sections = vm.sections.sections.map((s) => (s === section ? { ...s, state: odd } : s));
        // A device without state takes anything; everybody else says what is wrong.
        const wrong = await restoreVm(b.machine, b.keeper, { ...vm, sections: { ...vm.sections, sections } }).then(() => null, (error: unknown) => error);
        if (wrong === null) accepted.add(section.device);
        else expect(wrong).toBeInstanceOf(FaultError);
      }
    expect(accepted.size).toBeLessThan(6);
  });
});

test("the kept fixture of format 1 loads and goes on", async () => {
  const file = join(import.meta.dirname, "fixtures/format-1.ghvm");
  if (!existsSync(file) || process.env.UPDATE_FIXTURES) {
    const a = await machine();
    await a.machine.start({ paused: true });
    run(a, 1_000_000);
    writeFileSync(file, Buffer.concat(encodeVm(await captureVm(a.machine, a.keeper))));
  }
  await loadZstd();
  const b = await machine();
  await restoreVm(b.machine, b.keeper, decodeVm(new Uint8Array(readFileSync(file))));
  run(b, 1_000_000);
  const c = await machine();
  await c.machine.start({ paused: true });
  run(c, 2_000_000);
  expect(c.output().endsWith(b.output())).toBe(true);
  expect(b.output().length).toBeGreaterThan(10);
});

test("clones go on from shared memory as the machine does, and can be saved and cloned themselves", async () => {
  const a = await machine();
  await a.machine.start({ paused: true });
  run(a, 1_000_000);
  // What was saved before and not written since keeps its name.
  const saved = await captureVm(a.machine, a.keeper);
  for (const [n, chunk] of saved.chunks) chunk.name = `c${n}`;
  a.board.memory.write(0x300000, new Uint8Array(200_000).fill(5));
  const seed = makeSeed(a.machine, a.keeper);
  run(a, 1_000_000);
  const end = picture(a);
  const b = await machine();
  await restoreVm(b.machine, b.keeper, seedVm(seed));
  expect((b.board.memory as PoolMemory).deferred).toBe(seed.chunks.length * 65536);
  run(b, 1_000_000);
  expect(picture(b)).toBe(end);
  // The images of its ROMs go with it, and are not copied again.
  expect(seed.firmware.bios).toEqual(a.board.parts.firmware.bios);
  // The seed was not written by either.
  const c = await machine();
  await restoreVm(c.machine, c.keeper, seedVm(seed));
  const again = makeSeed(c.machine, c.keeper);
  expect([again.chunks, again.names]).toEqual([seed.chunks, seed.names]);
  expect([...seed.chunks].filter((_, n) => (seed.names[n] ?? "") === "")).toEqual([0x30, 0x31, 0x32, 0x33]);
  const vm = await captureVm(c.machine, c.keeper);
  expect([...vm.chunks.values()].some((x) => x.raw)).toBe(false);
  const d = await machine();
  await restoreVm(d.machine, d.keeper, decodeVm(Buffer.concat(encodeVm(vm))));
  run(d, 1_000_000);
  expect(picture(d)).toBe(end);
});
