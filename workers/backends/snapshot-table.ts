// Snapshots as a table and sizes for people, in the words of qemu-img and of QEMU's monitor.

import type { SnapshotRow } from "./image.ts";

/** As QEMU's size_to_str: three digits, and the next unit from 1000 on. */
export function humanSize(bytes: number): string {
  const units = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
  let i = 0;
  while (bytes / 1024 ** i >= 1000 && i < units.length - 1) i++;
  return `${Number((bytes / 1024 ** i).toPrecision(3))} ${units[i]}B`;
}
export const NO_ICOUNT = 0xffffffffffffffffn;
export function snapshotTable(snapshots: readonly SnapshotRow[]): string {
  const rows = [["ID", "TAG", "VM SIZE", "DATE", "VM CLOCK", "ICOUNT"]];
  for (const s of snapshots) {
    const date = new Date(s.dateSec * 1000);
    const two = (n: number) => String(n).padStart(2, "0");
    const local = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    const secs = Math.floor(s.vmClockNs / 1e9);
    const clock = `${two(Math.floor(secs / 3600))}:${two(Math.floor(secs / 60) % 60)}:${two(secs % 60)}.${String(Math.floor(s.vmClockNs / 1e6) % 1000).padStart(3, "0")}`;
    rows.push([s.id, s.name, humanSize(s.vmStateSize), local, clock, s.icount === NO_ICOUNT ? "" : String(s.icount)]);
  }
  return rows.map(([id, tag, size, date, clock, icount]) => `${id?.padEnd(9)} ${tag?.padEnd(16)} ${size?.padStart(8)} ${date?.padStart(19)} ${clock?.padStart(12)} ${icount?.padStart(10)}`).join("\n");
}
