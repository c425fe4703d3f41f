import { beforeAll, expect, test } from "vitest";
import { domainSchema } from "../../src/contract/domain.ts";
import { loadZstd, zstdCompress } from "../backends/compress.ts";
import { CHUNK_BYTES } from "./ram-keeper.ts";
import { encodeVm } from "./vm-file.ts";
import { openVmStream } from "./vm-stream.ts";

let file = new Uint8Array(0);
let first = 0;
beforeAll(async () => {
  await loadZstd();
  const config = domainSchema.parse({ name: "x", memoryMiB: 16, cpu: { model: "qemu64", count: 1, accel: "interp" }, clock: { mode: "wall" }, firmware: {}, boot: {}, vga: "none", serial: [], disks: [], devices: [] });
  const chunk = (value: number) => ({ bytes: zstdCompress(new Uint8Array(CHUNK_BYTES).fill(value)) });
  const parts = encodeVm({ sections: { format: 1, config, sections: [] }, chunks: new Map([[3, chunk(1)], [5, chunk(2)]]), dateMs: 1, waits: "" });
  first = (parts[0] as Uint8Array).length + (parts[1] as Uint8Array).length;
  file = new Uint8Array(Buffer.concat(parts));
});
const whole = (check: (head: Uint8Array) => Promise<void> = async () => {}) => ({ total: file.length, head: first, check });
/** A server that knows ranges, or does not. */
function server(ranges: boolean) {
  const asked: string[] = [];
  const get = (from: number, last: number) => {
    asked.push(`${from}-${last}`);
    return ranges ? new Response(file.slice(from, last + 1), { status: 206 }) : new Response(file.slice());
  };
  const rest = async (from: number) => get(from, file.length - 1);
  const now = (from: number, to: number) => {
    asked.push(`now ${from}`);
    return file.slice(from, to);
  };
  return { asked, get, rest, now };
}

test("the head alone is enough; the rest comes when it is asked for, and what is touched before that by itself", async () => {
  const { asked, get, rest, now } = server(true);
  const loaded: number[] = [];
  const { vm, complete } = await openVmStream(get(0, first - 1), whole(), rest, now, (n) => loaded.push(n));
  await new Promise((r) => setTimeout(r, 20));
  expect(asked).toEqual([`0-${first - 1}`]);
  expect(loaded).toEqual([first]);
  const second = () => vm.chunks.get(5)?.bytes;
  expect(second()).toEqual(file.slice(-(second()?.length as number)));
  expect(asked.at(-1)).toMatch(/^now /);
  asked.length = 0;
  expect(await complete()).toEqual(file);
  expect(complete()).toBe(complete());
  second();
  expect(asked).toEqual([`${first}-${file.length - 1}`]);
});
test("a server without ranges sends all of it at once, also when it forgets them later", async () => {
  const plain = server(false);
  const stream = await openVmStream(plain.get(0, first - 1), whole(), plain.rest, plain.now, () => {});
  await new Promise((r) => setTimeout(r, 20));
  expect(stream.vm.chunks.get(5)?.bytes.length).toBeGreaterThan(0);
  expect(await stream.complete()).toEqual(file);
  expect(plain.asked).toEqual([`0-${first - 1}`]);
  const forgets = await openVmStream(server(true).get(0, first - 1), whole(), plain.rest, plain.now, () => {});
  expect(await forgets.complete()).toEqual(file);
});
test("a rest that stops is a Fault, and so is more than there should be", async () => {
  const cut = await openVmStream(server(true).get(0, first - 1), whole(), async (from) => new Response(file.slice(from, -1), { status: 206 }), () => null, () => {});
  await expect(cut.complete()).rejects.toMatchObject({ fault: { code: "source.network" } });
  expect(() => vmChunk(cut)).toThrow("stopped arriving");
  const long = await openVmStream(server(true).get(0, first - 1), whole(), async (from) => new Response(new Uint8Array(file.length - from + 1), { status: 206 }), () => null, () => {});
  await expect(long.complete()).rejects.toMatchObject({ fault: { code: "snapshot.bad" } });
});
test("a head is checked before anything is made of it, from servers with and without ranges", async () => {
  for (const ranges of [true, false]) {
    const { get, rest, now } = server(ranges);
    const seen: number[] = [];
    const check = async (head: Uint8Array) => {
      seen.push(head.length);
      throw new Error("damaged");
    };
    // What follows is no Zstandard frame: whoever looked at it first would say something else.
    const kept = file;
    file = file.slice();
    file.fill(0, 8, 40);
    await expect(openVmStream(get(0, first - 1), whole(check), rest, now, () => {})).rejects.toThrow(/^damaged$/);
    file = kept;
    expect(seen).toEqual([first]);
  }
});
const vmChunk = ({ vm }: Awaited<ReturnType<typeof openVmStream>>) => vm.chunks.get(5)?.bytes;
