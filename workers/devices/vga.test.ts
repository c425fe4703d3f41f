// What the VGA must do for guests: planar write and read modes, text from preset, DISPI modes, DAC, protection.
import { describe, expect, test, vi } from "vitest";
import { testSlot } from "../platform/test-slot.ts";
import type { PictureBackend } from "../platform/types.ts";
import { makeFont } from "./vga-font.ts";
import { type DisplayDevice, vga } from "./vga.ts";

interface Shown extends PictureBackend {
  width: number;
  height: number;
  frames: number;
  lines: readonly number[];
  rgba: Uint8ClampedArray;
  rows: readonly string[] | null;
  cursor: { readonly x: number; readonly y: number } | null;
}
function picture(): Shown {
  return {
    width: 0,
    height: 0,
    frames: 0,
    lines: [],
    rgba: new Uint8ClampedArray(0),
    rows: null,
    cursor: null,
    refreshNs: 16e6,
    frame(width, height, rgba, from, to) {
      Object.assign(this, { width, height, rgba: rgba.slice(), frames: this.frames + 1, lines: [from, to] });
    },
    text(rows, cursor) {
      Object.assign(this, { rows, cursor });
    },
  };
}
function make(preset: "text" | "none" = "text") {
  const shown = picture();
  const slot = testSlot({ picture: shown }, "vga");
  const device = vga.create(slot, vga.options.parse({ preset })) as DisplayDevice;
  const window = {
    write: (at: number, value: number) => slot.mmio.write(0xa0000 + at, 1, value),
    read: (at: number) => slot.mmio.read(0xa0000 + at, 1),
  };
  const set = (index: number, reg: number, value: number) => slot.out16(index, reg | (value << 8));
  const dispi = (reg: number, value: number) => {
    slot.out16(0x1ce, reg);
    slot.out16(0x1cf, value);
  };
  const pixel = (x: number, y: number) => {
    const at = (y * shown.width + x) * 4;
    return (shown.rgba[at]! << 16) | (shown.rgba[at + 1]! << 8) | shown.rgba[at + 2]!;
  };
  const planar = () => {
    set(0x3c4, 4, 6);
    set(0x3c4, 2, 15);
    set(0x3ce, 5, 0);
    set(0x3ce, 6, 5);
  };
  return { slot, device, shown, window, set, dispi, pixel, planar };
}

describe("text", () => {
  test("preset is a usable mode 3", () => {
    const { slot, device, shown, pixel } = make();
    for (const [i, letter] of Array.from("Hi").entries()) slot.mmio.write(0xb8000 + 2 * i, 2, letter.charCodeAt(0) | 0x1f00);
    device.refresh();
    expect([shown.width, shown.height]).toEqual([720, 400]);
    expect(shown.rows?.length).toBe(25);
    expect(shown.rows?.[0]).toBe(`Hi${" ".repeat(78)}`);
    const row = makeFont()[0x48 * 16 + 5]!;
    for (let x = 0; x < 8; x++) expect(pixel(x, 5)).toBe(row & (0x80 >> x) ? 0xffffff : 0x0000a8);
    expect(pixel(8, 5)).toBe(0x0000a8);
  });
  test("cursor is shown where the CRTC says, and blinks", () => {
    const { device, shown, set, pixel, slot } = make();
    set(0x3d4, 0x0e, 0);
    set(0x3d4, 0x0f, 81);
    slot.mmio.write(0xb8000 + 81 * 2, 2, 0x0720);
    device.refresh();
    expect(shown.cursor).toEqual({ x: 1, y: 1 });
    expect(pixel(9, 16 + 13)).toBe(0xa8a8a8);
    slot.advance(320e6);
    expect(pixel(9, 16 + 13)).toBe(0);
  });
  test("a quiet screen is looked at only when its cursor turns, and soon after a write", () => {
    const { device, slot, shown, set, pixel } = make();
    set(0x3d4, 0x0f, 81);
    device.refresh();
    slot.advance(2e9);
    const [frames, now] = [shown.frames, slot.clock.now()];
    // Two turns of the cursor in 532 ms, and the next look is at a turn.
    slot.advance(532e6);
    expect(shown.frames - frames).toBe(2);
    expect(shown.lines).toEqual([16, 32]);
    expect((slot.clock.next() as number) % 266e6).toBe(0);
    expect(now).toBeGreaterThan(0);
    // After ten seconds the cursor stays on.
    slot.advance(10e9);
    const steady = shown.frames;
    slot.advance(5e9);
    expect(shown.frames).toBe(steady);
    expect(pixel(9, 16 + 13)).toBe(0xa8a8a8);
    slot.mmio.write(0xb8000, 2, 0x04db);
    slot.advance(17e6);
    expect(pixel(0, 0)).toBe(0xa80000);
    expect(shown.lines).toEqual([0, 400]);
  });
  test("draws nothing when nothing changed", () => {
    const { device, shown, set, slot } = make();
    set(0x3d4, 0x0a, 0x20);
    device.refresh();
    const before = shown.frames;
    slot.advance(2e9);
    expect(shown.frames).toBe(before);
  });
  test("split screen starts again at address 0, start address scrolls", () => {
    const { device, set, slot, pixel } = make();
    slot.mmio.write(0xb8000, 2, 0x10db);
    slot.mmio.write(0xb8000 + 160, 2, 0x04db);
    set(0x3d4, 0x0d, 80);
    set(0x3d4, 0x11, 0x0e);
    set(0x3d4, 0x18, 199);
    set(0x3d4, 0x07, 0x0f);
    set(0x3d4, 0x09, 0x0f);
    device.refresh();
    expect(pixel(0, 0)).toBe(0xa80000);
    expect(pixel(0, 200)).toBe(0x000000);
    expect(pixel(0, 199)).toBe(0x000000 | pixel(0, 199));
  });
  test("ninth dot repeats for line drawing", () => {
    const { device, slot, pixel } = make();
    slot.mmio.write(0xb8000, 2, 0x07c4);
    slot.mmio.write(0xb8002, 2, 0x0741);
    device.refresh();
    expect(pixel(8, 7)).toBe(0xa8a8a8);
  });
  test("character blink turns the foreground off", () => {
    const { device, slot, pixel, set } = make();
    set(0x3d4, 0x0a, 0x20);
    slot.mmio.write(0xb8000, 2, 0x97db);
    device.refresh();
    expect(pixel(0, 0)).toBe(0xa8a8a8);
    slot.advance(600e6);
    expect(pixel(0, 0)).toBe(0x0000a8);
  });
});

describe("planes", () => {
  test("write mode 0: map mask, rotate, set/reset, bit mask, functions", () => {
    const { set, window, planar } = make();
    planar();
    window.write(10, 0);
    set(0x3c4, 2, 0x05);
    window.write(10, 0xf0);
    for (const [plane, value] of [0xf0, 0, 0xf0, 0].entries()) {
      set(0x3ce, 4, plane);
      expect(window.read(10)).toBe(value);
    }
    set(0x3c4, 2, 0x0f);
    set(0x3ce, 0, 0x02);
    set(0x3ce, 1, 0x0f);
    window.write(10, 0);
    set(0x3ce, 4, 1);
    expect(window.read(10)).toBe(0xff);
    set(0x3ce, 4, 0);
    expect(window.read(10)).toBe(0);
    set(0x3ce, 1, 0);
    set(0x3ce, 3, 4); // rotate by four
    window.write(11, 0x0f);
    expect(window.read(11)).toBe(0xf0);
    set(0x3ce, 3, 0x18); // xor with latches
    window.read(11);
    window.write(11, 0xff);
    expect(window.read(11)).toBe(0x0f);
    set(0x3ce, 3, 0);
    set(0x3ce, 8, 0x80);
    window.read(11);
    window.write(11, 0xff);
    expect(window.read(11)).toBe(0x8f);
  });
  test("write modes 1, 2, 3", () => {
    const { set, window, planar } = make();
    planar();
    window.write(20, 0xa5);
    set(0x3ce, 5, 1);
    window.read(20);
    window.write(21, 0);
    expect(window.read(21)).toBe(0xa5);
    set(0x3ce, 5, 2);
    set(0x3ce, 8, 0xff);
    window.write(22, 0x04);
    set(0x3ce, 4, 2);
    expect(window.read(22)).toBe(0xff);
    set(0x3ce, 4, 0);
    expect(window.read(22)).toBe(0);
    set(0x3ce, 5, 3);
    set(0x3ce, 0, 0x01);
    window.read(22);
    window.write(22, 0x3c);
    set(0x3ce, 5, 0);
    expect(window.read(22)).toBe(0x3c);
  });
  test("read mode 1 compares colours", () => {
    const { set, window, planar } = make();
    planar();
    set(0x3ce, 0, 0x05);
    set(0x3ce, 1, 0x0f);
    window.write(0, 0);
    set(0x3ce, 5, 8);
    set(0x3ce, 2, 0x05);
    set(0x3ce, 7, 0x0f);
    expect(window.read(0)).toBe(0xff);
    set(0x3ce, 2, 0x04);
    expect(window.read(0)).toBe(0);
    set(0x3ce, 7, 0x0e);
    expect(window.read(0)).toBe(0xff);
  });
  test("16-colour picture", () => {
    const { slot, device, set, window, planar, pixel, shown } = make();
    planar();
    set(0x3c4, 1, 1);
    set(0x3d4, 0x09, 0x40);
    slot.mmio.write(0xa0000, 4, 0);
    for (let at = 0; at < 80 * 400; at++) window.write(at, 0);
    set(0x3c4, 2, 0x04);
    window.write(80, 0x81);
    device.refresh();
    expect([shown.width, shown.height, shown.rows]).toEqual([640, 400, null]);
    expect(pixel(0, 1)).toBe(0xa80000);
    expect(pixel(1, 1)).toBe(0);
    expect(pixel(7, 1)).toBe(0xa80000);
  });
  test("mode 13h", () => {
    const { slot, device, set, window, pixel, shown } = make();
    set(0x3c4, 1, 1);
    set(0x3c4, 4, 0x0e);
    set(0x3c4, 2, 0x0f);
    set(0x3ce, 5, 0x40);
    set(0x3ce, 6, 5);
    set(0x3d4, 0x09, 0x41);
    set(0x3d4, 0x14, 0x40);
    slot.out8(0x3c8, 7);
    for (const part of [63, 0, 32]) slot.out8(0x3c9, part);
    window.write(320 * 3 + 5, 7);
    device.refresh();
    expect([shown.width, shown.height]).toEqual([640, 400]);
    expect(pixel(10, 6)).toBe(0xff0080);
    expect(pixel(11, 7)).toBe(0xff0080);
    expect(pixel(12, 6)).not.toBe(0xff0080);
  });
});

describe("DISPI", () => {
  for (const [bits, bytes, colour] of [
    [32, [0x56, 0x34, 0x12, 0], 0x123456],
    [24, [0x56, 0x34, 0x12], 0x123456],
    [16, [0x1f, 0xf8], 0xff00ff],
    [15, [0xe0, 0x03], 0x00ff00],
  ] as const)
    test(`${bits} bits`, () => {
      const { slot, device, dispi, pixel, shown } = make("none");
      dispi(1, 640);
      dispi(2, 480);
      dispi(3, bits);
      dispi(4, 0x41);
      slot.out8(0x3c0, 0x20);
      // Through the banked window: pixel (1, 0).
      bytes.forEach((byte, i) => slot.mmio.write(0xa0000 + bytes.length + i, 1, byte));
      device.refresh();
      expect([shown.width, shown.height]).toEqual([640, 480]);
      expect(pixel(1, 0)).toBe(colour);
      expect(pixel(0, 0)).toBe(0);
    });
  test("only dirty lines are drawn; offsets and banks move", () => {
    const { slot, device, dispi, pixel } = make("none");
    dispi(1, 1024);
    dispi(2, 768);
    dispi(3, 32);
    dispi(4, 0x41);
    slot.out8(0x3c2, 0x67);
    slot.out8(0x3c0, 0x20);
    device.refresh();
    dispi(5, 1);
    slot.mmio.write(0xa0000, 4, 0x00ff00);
    device.refresh();
    expect(pixel(0, 16)).toBe(0x00ff00);
    dispi(9, 16);
    device.refresh();
    expect(pixel(0, 0)).toBe(0x00ff00);
    slot.out16(0x1ce, 7);
    expect(slot.in16(0x1cf)).toBe((16 << 20) / 4096);
  });
  test("identifies itself and clamps", () => {
    const { slot, dispi } = make("none");
    slot.out16(0x1ce, 0);
    expect(slot.in16(0x1cf)).toBe(0xb0c5);
    slot.out16(0x1ce, 10);
    expect(slot.in16(0x1cf)).toBe(256);
    dispi(1, 9999);
    dispi(2, 9999);
    dispi(3, 7);
    dispi(4, 1);
    slot.out16(0x1ce, 3);
    expect(slot.in16(0x1cf)).toBe(8);
    dispi(4, 2);
    slot.out16(0x1ce, 1);
    expect(slot.in16(0x1cf)).toBe(2560);
  });
  test("1920x1080x32, to the last pixel", () => {
    const { slot, device, dispi, pixel, shown } = make("none");
    dispi(1, 1920);
    dispi(2, 1080);
    dispi(3, 32);
    dispi(4, 0x41);
    slot.out8(0x3c0, 0x20);
    // Video memory through its banks of 64 KiB.
    const put = (at: number, value: number) => {
      dispi(5, at >> 16);
      slot.mmio.write(0xa0000 + (at & 0xffff), 4, value);
    };
    put((1920 * 1080 - 1) * 4, 0xabcdef);
    put(0, 0x010203);
    device.refresh();
    expect([shown.width, shown.height]).toEqual([1920, 1080]);
    expect([pixel(1919, 1079), pixel(0, 0), pixel(1918, 1079)]).toEqual([0xabcdef, 0x010203, 0]);
  });
  test("a full 1024x768x32 frame is fast", () => {
    const { slot, device, dispi, shown } = make("none");
    dispi(1, 1024);
    dispi(2, 768);
    dispi(3, 32);
    dispi(4, 0x41);
    slot.out8(0x3c0, 0x20);
    for (let i = 0; i < 5; i++) {
      dispi(8, i & 1);
      device.refresh();
    }
    const before = performance.now();
    dispi(8, 8);
    device.refresh();
    expect(performance.now() - before).toBeLessThan(100);
    expect(shown.width).toBe(1024);
  });
});

test("CRTC 0-7 are protected, except line compare bit 8", () => {
  const { slot, set } = make();
  set(0x3d4, 0, 1);
  slot.out8(0x3d4, 0);
  expect(slot.in8(0x3d5)).toBe(0x5f);
  set(0x3d4, 7, 0);
  slot.out8(0x3d4, 7);
  expect(slot.in8(0x3d5)).toBe(0x0f);
});
test("input status 1 shows retrace as time passes", () => {
  const { slot } = make();
  const seen = new Set<number>();
  for (let i = 0; i < 2000; i++) {
    seen.add(slot.in8(0x3da) & 9);
    slot.advance(20_000);
  }
  expect([...seen].sort()).toEqual([0, 1, 9]);
});
test("saves and loads", () => {
  const { slot, device } = make();
  slot.mmio.write(0xb8000, 2, 0x4142);
  const saved = device.save();
  slot.mmio.write(0xb8000, 2, 0);
  slot.out16(0x3c4, 0x0402);
  expect(device.save()).not.toEqual(saved);
  device.load(saved);
  expect(device.save()).toEqual(saved);
  expect(slot.mmio.read(0xb8000, 2)).toBe(0x4142);
});

test("loading into a machine that was just made leaves video memory that holds zeros alone", () => {
  const { device: used, window: written } = make("none");
  written.write(5, 0x41);
  const saved = used.save();
  const fill = vi.spyOn(Uint8Array.prototype, "fill");
  try {
    const whole = () => fill.mock.contexts.filter((c) => (c as Uint8Array).length >= 1 << 20).length;
    const { device: fresh } = make("none");
    const before = whole();
    fresh.load(saved);
    expect(whole()).toBe(before);
    expect(fresh.save()).toEqual(saved);
    // The second time it may hold anything.
    fresh.load(saved);
    expect(whole()).toBe(before + 1);
  } finally {
    fill.mockRestore();
  }
});
