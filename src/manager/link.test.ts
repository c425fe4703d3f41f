// Share links: round trip, and everything a stranger may have put there.

import { describe, expect, test } from "vitest";
import { type DomainConfig, domainSchema } from "../contract/domain.ts";
import { decodeBench, decodeLink, encodeBench, encodeLink } from "./link.ts";

const config = (more: { readonly [k: string]: unknown } = {}): DomainConfig =>
  domainSchema.parse({ name: "机器 1", memoryMiB: 64, cpu: { model: "max", count: 1, accel: "interp" }, clock: { mode: "wall" }, firmware: {}, boot: { kernel: "guest:a/vmlinuz", append: "console=ttyS0" }, vga: "std", ...more });
async function packed(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return `#vm=${btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}
const code = (work: Promise<unknown>) => expect(work).rejects;

describe("link", () => {
  test("round trip", async () => {
    const link = await encodeLink(config());
    expect(link).toMatch(/^#vm=[\w-]+$/);
    expect(await decodeLink(link)).toEqual(config());
  });
  test("local files are not shared and not accepted", async () => {
    const disks = [{ at: "ide0-master", media: "disk", source: "library:abc" }];
    await code(encodeLink(config({ disks }))).toMatchObject({ fault: { code: "link.local" } });
    await code(decodeLink(await packed(JSON.stringify(config({ disks }))))).toMatchObject({ fault: { code: "link.local" } });
  });
  test.each(["#vm=", "#vm=%00", "#vm=AAAA", "#vm=!!!!", "#other"])("%s is refused", async (link) => {
    await code(decodeLink(link)).toMatchObject({ fault: { code: "link.bad" } });
  });
  test("unknown fields, wrong values and other JSON are refused", async () => {
    await code(decodeLink(await packed(JSON.stringify({ ...config(), script: "alert(1)" })))).toMatchObject({ fault: { code: "schema.unknown" } });
    await code(decodeLink(await packed(JSON.stringify({ ...config(), memoryMiB: 1e9 })))).toMatchObject({ fault: { code: "schema.invalid" } });
    await code(decodeLink(await packed("[]"))).toMatchObject({ fault: { code: "schema.invalid" } });
    await code(decodeLink(await packed("{"))).toMatchObject({ fault: { code: "link.bad" } });
  });
  test("a program of the bench: round trip, and what is refused", async () => {
    const program = { mode: "flat64", source: "; 你好\nmov rax, 1\n".repeat(50) } as const;
    const link = await encodeBench(program);
    expect(link).toMatch(/^#asm=[\w-]+$/);
    expect(await decodeBench(link)).toEqual(program);
    const made = async (value: unknown) => (await packed(JSON.stringify(value))).replace("#vm=", "#asm=");
    await code(decodeBench(await made({ mode: "flat128", source: "" }))).toMatchObject({ fault: { code: "schema.invalid" } });
    await code(decodeBench(await made({ mode: "boot", source: 1 }))).toMatchObject({ fault: { code: "schema.invalid" } });
    await code(decodeBench(await made({ mode: "boot", source: "", run: true }))).toMatchObject({ fault: { code: "schema.unknown" } });
    await code(decodeBench("#asm=AAAA")).toMatchObject({ fault: { code: "link.bad" } });
    const noise = Array.from({ length: 60_000 }, (_, n) => String.fromCharCode(33 + ((n * n * 7919 + n * 104729) >> 3) % 90)).join("");
    await code(encodeBench({ mode: "boot", source: noise + noise + noise })).toMatchObject({ fault: { code: "link.program" } });
  });
  test("a small link that unpacks to a huge text is refused", async () => {
    const bomb = await packed(" ".repeat(8_000_000));
    expect(bomb.length).toBeLessThan(32_000);
    await code(decodeLink(bomb)).toMatchObject({ fault: { code: "link.long" } });
    await code(decodeLink(`#vm=${"A".repeat(40_000)}`)).toMatchObject({ fault: { code: "link.long" } });
  });
});
