// A disk whose boot sector counts how often it was booted, on the disk itself: browser tests see by it what was kept.

/**
 * A boot sector that reads sector 1 through the BIOS, adds one to its first number, writes it back, sends FLUSH CACHE to the drive and waits for
 * it, then prints COUNT= and the number on COM1.
 */
const CODE = Buffer.from("31c08ed88ec08ed0bc007c8816687cb80102bb0080b90200b6008a16687ccd1366ff060080b80103bb0080b90200b6008a16687ccd13baf701b0e7eeeca88075fbbe697cac84c07405e81700ebf6a000800430e80d00b00de80800b00ae80300f4ebfdbaf803eec300434f554e543d", "hex");
export const COUNTING_DISK_BYTES = 4 << 20;
export function countingDisk(): Buffer {
  const disk = Buffer.alloc(COUNTING_DISK_BYTES);
  CODE.copy(disk);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}
