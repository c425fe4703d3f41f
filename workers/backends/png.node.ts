// A captured picture as a PNG file. Node only.

import { writeFileSync } from "node:fs";
import { PNG } from "pngjs";
import type { CapturePicture } from "./picture.ts";

export function writePng(path: string, picture: CapturePicture): void {
  const png = new PNG({ width: Math.max(1, picture.width), height: Math.max(1, picture.height) });
  png.data.fill(0);
  png.data.set(picture.rgba.subarray(0, png.data.length));
  writeFileSync(path, PNG.sync.write(png));
}
