// F3 0F BC and F3 0F BD are TZCNT and LZCNT where CPUID has them, and plain BSF and BSR where not, with a register as with memory: kernels are
// compiled with that prefix for every processor.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { domainSchema } from "../../../src/contract/domain.ts";
import { nullBytes } from "../../backends/bytes.ts";
import { nullPicture } from "../../backends/picture.ts";
import { openMachine } from "../../node-machine.ts";

// mov cx, 0x40; rep bsf ax, cx; mov [0x500], cx; rep bsf bx, [0x500]; rep bsr dx, cx; cli; hlt
const CODE = [0xb9, 0x40, 0x00, 0xf3, 0x0f, 0xbc, 0xc1, 0x89, 0x0e, 0x00, 0x05, 0xf3, 0x0f, 0xbc, 0x1e, 0x00, 0x05, 0xf3, 0x0f, 0xbd, 0xd1, 0xfa, 0xf4];
for (const [model, ax, bx, dx] of [["qemu64", 6n, 6n, 6n], ["Haswell", 6n, 6n, 9n]] as const)
  test(model, async () => {
    const sector = new Uint8Array(512);
    sector.set(CODE);
    sector.set([0x55, 0xaa], 510);
    const path = join(mkdtempSync(join(tmpdir(), "gh-bsf-")), "boot.img");
    writeFileSync(path, sector);
    const config = domainSchema.parse({
      name: "t", memoryMiB: 1, cpu: { model, count: 1, accel: "interp" }, clock: { mode: "instructions" }, firmware: { bios: "none" }, boot: {}, vga: "none", serial: [],
      disks: [{ at: "ide0-master", media: "disk", source: `file:${path}`, format: "raw", readOnly: true }],
    });
    const made = await openMachine(config, { root: join(import.meta.dirname, "../../.."), bytes: () => nullBytes, picture: nullPicture });
    await made.machine.start({ paused: true });
    made.board.clock.resume();
    made.cpu.run(100);
    const { gpr, halted } = made.cpu.registers();
    expect([halted, (gpr[0] as bigint) & 0xffffn, (gpr[3] as bigint) & 0xffffn, (gpr[2] as bigint) & 0xffffn]).toEqual([true, ax, bx, dx]);
  });
