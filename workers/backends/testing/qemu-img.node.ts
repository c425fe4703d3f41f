// Debian's qemu-img, where it is installed: it checks what we write. Tests pass without it.

import { spawnSync } from "node:child_process";

export const hasQemuImg = spawnSync("qemu-img", ["--version"]).status === 0;
export function qemuImg(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync("qemu-img", args, { encoding: "utf8", env: { ...process.env, TZ: "UTC", LC_ALL: "C" } });
  return { status, stdout, stderr };
}
/** A generator of repeatable noise. */
export function noise(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s ^ (s >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    let t = s;
    t = Math.imul(t ^ (t >>> 12), 0x297a2d39);
    return ((t ^ (t >>> 15)) >>> 0) / 0x100000000;
  };
}
