// npm run bench:disk: what a guest's dd reaches on an IDE disk, sequential and at random places, with and without a flush: a qcow2 file in Node, a qcow2
// in the page's library in Chromium. Prints a table; `--write` makes docs/performance-disk.md of it. Nothing here passes or fails.
// Flags: --where node|chromium|both, --write. Left out: other formats, and depth (the guest's IDE driver has one request at a time).

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch, serveFolder } from "../e2e/site.ts";
import { MemoryFile } from "../workers/backends/byte-file.ts";
import { nullBytes, QueueBytes } from "../workers/backends/bytes.ts";
import { createQcow2 } from "../workers/backends/formats/qcow2.ts";
import { now } from "../workers/backends/io.ts";
import { nullPicture } from "../workers/backends/picture.ts";
import { guestConfig, jitWorker } from "../workers/conformance/boots/stage.ts";
import { openMachine } from "../workers/node-machine.ts";

const root = join(import.meta.dirname, "..");
const PROMPT = "Type commands here";
const { values: flags } = parseArgs({ options: { where: { type: "string", default: "both" }, write: { type: "boolean", default: false } } });
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const MIB = 1 << 20;

/** Rows of the table: name, what it is, bytes of one round; what the guest's shell does. */
const rows = [
  ["ws", "sequential write, 1 MiB, without flush", 32 * MIB, "dd if=/tmp/d of=/dev/sda bs=1M oflag=direct"],
  ["wf", "sequential write, 1 MiB, one flush at the end", 32 * MIB, "dd if=/tmp/d of=/dev/sda bs=1M oflag=direct conv=fsync"],
  ["rs", "sequential read, 1 MiB", 32 * MIB, "dd if=/dev/sda of=/dev/null bs=1M count=32 iflag=direct"],
  ["wr", "random writes of 4 KiB, a dd each, without flush", 200 * 4096, "r of=/dev/sda oflag=direct seek if=/dev/zero"],
  ["wx", "random writes of 4 KiB, a dd and a flush each", 200 * 4096, "r of=/dev/sda conv=fsync seek if=/dev/zero"],
  ["rr", "random reads of 4 KiB, a dd each", 200 * 4096, "r if=/dev/sda iflag=direct skip of=/dev/null"],
  ["no", "the same number of dd that touch no disk", 200 * 4096, "r if=/dev/zero bs=4k skip of=/dev/null"],
] as const;
const script = [
  "t() { cut -d' ' -f1 /proc/uptime; }",
  "m() { n=$1; shift; a=$(t); $@ 2>/dev/null; b=$(t); echo =$n $a $b; }",
  "r() { i=0; while [ $i -lt 200 ]; do dd $1 $2 $3=$((RANDOM%16384)) $4 bs=4k count=1; i=$((i+1)); done; }",
  "dd if=/dev/urandom of=/tmp/d bs=1M count=32 2>/dev/null",
  ...rows.map(([name, , , command]) => `m ${name} ${command}`),
  "echo =do''ne",
];
const setup = "stty -echo; modprobe -a ata_piix sd_mod; while [ ! -b /dev/sda ]; do sleep 1; done; mkdir -p /tmp";
type Seconds = ReadonlyMap<string, number>;
function read(text: string): Seconds {
  return new Map([...text.matchAll(/=(\w\w) ([\d.]+) ([\d.]+)/g)].map(([, name = "", from, to]) => [name, Number(to) - Number(from)]));
}
const SIZE = 256 * MIB;
function disk(): Uint8Array {
  const file = new MemoryFile();
  now(createQcow2(file, { size: SIZE }));
  return file.bytes;
}
const lines = [setup, ...script];

async function inNode(): Promise<Seconds> {
  const folder = mkdtempSync(join(os.tmpdir(), "guesthouse-disk-"));
  const path = join(folder, "disk.qcow2");
  writeFileSync(path, disk());
  const base = guestConfig("debian-amd64");
  let text = "";
  const serial = new QueueBytes((byte) => void (text += String.fromCharCode(byte)));
  const made = await openMachine({ ...base, disks: [{ at: "ide0-master", media: "disk", source: `file:${path}`, format: "qcow2", cache: "writeback", readOnly: false, snapshot: false }] }, { root, jitWorker, picture: nullPicture, bytes: (port) => (port === "serial0" ? serial : nullBytes) });
  const { machine } = made;
  const until = async (what: string) => {
    for (const end = Date.now() + 300_000; !text.includes(what); await sleep(50)) if (Date.now() > end || machine.state !== "running") throw new Error(`waited for ${what}: ${text.slice(-800)}`);
  };
  await machine.start();
  await until(PROMPT);
  await sleep(1000);
  for (const line of lines) {
    serial.feed(Buffer.from(`${line}\r`));
    machine.wake();
    await sleep(100);
  }
  await until("=done");
  machine.powerOff();
  await made.close();
  rmSync(folder, { recursive: true });
  return read(text);
}
async function inChromium(): Promise<Seconds> {
  const site = mkdtempSync(join(os.tmpdir(), "guesthouse-disk-site-"));
  execFileSync(process.execPath, [join(root, "node_modules/vite/bin/vite.js"), "build", "--outDir", site, "--emptyOutDir", "--logLevel", "error"], { cwd: root, stdio: "inherit" });
  const browser = await launch();
  const served = await serveFolder(site, { isolated: true });
  try {
    const page = await (await browser.newContext({ viewport: { width: 1366, height: 768 } })).newPage();
    page.setDefaultTimeout(300_000);
    const id = (name: string) => `[data-testid="${name}"]`;
    await page.goto(served.url);
    await page.setInputFiles(id("add-file"), { name: "disk.qcow2", mimeType: "application/octet-stream", buffer: Buffer.from(disk()) });
    await page.waitForSelector('.files li[data-name="disk.qcow2"]');
    await page.click(id("new-machine"));
    const base = guestConfig("debian-amd64");
    await page.fill(id("qemu-line"), `qemu-system-x86_64 -name disk -m ${base.memoryMiB} -kernel ${base.boot.kernel} -initrd ${base.boot.initrd} -append '${base.boot.append}' -drive file=disk.qcow2,format=qcow2`);
    await page.click(id("qemu-fill"));
    await page.click(id("form-start"));
    await page.click(id("tab-serial"));
    const shows = (what: string) => page.waitForFunction(`document.querySelector('${id("serial")}')?.textContent.includes("${what}")`, undefined, { polling: 200 });
    await shows(PROMPT);
    await page.click(".xterm-screen");
    for (const line of lines) {
      await page.keyboard.type(`${line}\r`);
      await sleep(300);
    }
    await shows("=done");
    return read((await page.textContent(id("serial"))) ?? "");
  } finally {
    await browser.close();
    served.close();
    rmSync(site, { recursive: true, force: true });
  }
}
const results: [string, Seconds][] = [];
if (flags.where !== "chromium") results.push(["Node, qcow2 file", await inNode()]);
if (flags.where !== "node") results.push(["Chromium, qcow2 in the library", await inChromium()]);
const shown = (bytes: number, seconds: number | undefined) =>
  seconds === undefined ? "–" : bytes === 200 * 4096 ? `${Math.round(200 / seconds)} a second` : `${(bytes / MIB / seconds).toFixed(0)} MiB/s`;
const table = [
  `| debian-amd64's dd on an IDE disk | ${results.map(([where]) => where).join(" | ")} |`,
  `|---|${results.map(() => "---:").join("|")}|`,
  ...rows.map(([name, what, bytes]) => `| ${what} | ${results.map(([, seconds]) => shown(bytes, seconds.get(name))).join(" | ")} |`),
].join("\n");
console.log(table);
if (flags.write) {
  const about = `# Performance: disks

Written by \`npm run bench:disk -- --write\`; not edited by hand. Nothing in the tests depends on these figures.

Date: ${new Date().toISOString().slice(0, 10)}. Machine: ${os.cpus().length} x ${os.cpus()[0]?.model.trim()}, Linux ${os.release()}; load at the end ${os.loadavg().map((n) => n.toFixed(2)).join(" ")}.

${table}

- By the guest's own clock (\`/proc/uptime\`), with \`O_DIRECT\`, random data, cache mode writeback. A flush is acknowledged when it is durable: in Node fsync of the
  file, in the page the library's.
- Each random access is a dd of its own: most of its time is the start of a process, which the last line shows alone.
`;
  writeFileSync(join(root, "docs/performance-disk.md"), about);
}
process.exit(0);
