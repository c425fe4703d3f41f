// Debian's qemu-img, where it is installed: it checks what we write. Tests pass without it.

import { spawnSync } from "node:child_process";

export const hasQemuImg = spawnSync("qemu-img", ["--version"]).status === 0;
export function qemuImg(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync("qemu-img", args, { encoding: "utf8", env: { ...process.env, TZ: "UTC", LC_ALL: "C" } });
  return { status, stdout, stderr };
}
export { noise } from "./noise.ts";
