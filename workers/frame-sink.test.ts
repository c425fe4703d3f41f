// The shared picture: a reader that keeps up is told the lines that changed, a slow one everything it has not seen.

import { describe, expect, it } from "vitest";
import { createFrameView, FrameSink } from "./frame-sink.ts";

describe("frame sink", () => {
  it("marks what changed since the reader's last look", () => {
    const view = createFrameView();
    const sink = new FrameSink(view);
    const header = new Int32Array(view.header);
    const read = () => {
      header[10] = header[0] as number;
    };
    const rgba = new Uint8ClampedArray(8 * 40 * 4).fill(7);
    sink.frame(8, 40, rgba);
    expect([header[1], header[2], header[8], header[9]]).toEqual([8, 40, 0, 40]);
    read();
    sink.frame(8, 40, rgba.fill(9), 16, 32);
    expect([header[8], header[9]]).toEqual([16, 32]);
    const pixels = new Uint8Array(view.pixels);
    expect([pixels[15 * 32], pixels[16 * 32], pixels[31 * 32 + 31], pixels[32 * 32]]).toEqual([7, 9, 9, 7]);
    sink.frame(8, 40, rgba, 2, 4);
    expect([header[8], header[9]]).toEqual([2, 32]);
    read();
    sink.text(["ab"], null);
    expect([header[8], header[9]]).toEqual([0, 0]);
    sink.frame(8, 40, rgba, 5, 6);
    expect([header[8], header[9]]).toEqual([5, 6]);
    sink.frame(4, 4, rgba, 1, 2);
    expect([header[8], header[9]]).toEqual([0, 4]);
  });
  it("tells the device whether somebody looks", () => {
    const view = createFrameView();
    const sink = new FrameSink(view);
    expect(sink.watched).toBe(false);
    new Int32Array(view.header)[11] = 1;
    expect(sink.watched).toBe(true);
  });
});
