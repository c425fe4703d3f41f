// The snapshot from which a guest starts at once, made with Guesthouse itself: the guest boots in Node with a flag on its kernel command line,
// its first shell waits for a line on COM1, and there the whole machine is saved as resume.ghvm. Whoever resumes it sends that line (date and
// fresh randomness). Made anew when the guest's files or the shape of saved states change. What a start touches is found out by one, and comes first.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DomainConfig, domainSchema } from "../../src/contract/domain.ts";
import { FaultError } from "../../src/contract/schema.ts";
import { QueueBytes } from "../../workers/backends/bytes.ts";
import { CapturePicture } from "../../workers/backends/picture.ts";
import { VCPU_STATE_VERSION } from "../../workers/cpu/core/layout.ts";
import { jitWorker } from "../../workers/jit-bundle.node.ts";
import { openMachine } from "../../workers/node-machine.ts";
import { zstdDecompress } from "../../workers/backends/compress.ts";
import { CHUNK_BYTES, CHUNK_PAGES, type PackedChunk } from "../../workers/snapshots/ram-keeper.ts";
import { captureVm, restoreVm, resumeLine } from "../../workers/snapshots/save-vm.ts";
import { encodeVm, type HotPages, vmHeadLength, type VmState } from "../../workers/snapshots/vm-file.ts";
import { RESUME_FLAG } from "./debian-guest.ts";
import { sha256 } from "./guest.ts";

export interface ResumeRecord {
  readonly key: string;
  /** Its name holds a part of its hash: caches may keep it for ever. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** What a start needs: the head, with the pages that it touches. It is trusted before the rest has arrived. */
  readonly head: { readonly bytes: number; readonly sha256: string };
}
const MOST_MS = 15 * 60_000;
const RECORD = "resume.json";
const PAGE = 4096;
const TYPING_MS = 25;
const WATCHED_MS = 4000;
const PACKED_HARD = 9;
/** Raise it to have all snapshots made anew. */
const SNAPSHOT_REVISION = 3;

/** Changes when a snapshot made before would no longer fit. */
export function keyOf(root: string, id: string): string {
  const hash = createHash("sha256");
  for (const file of [`images/${id}/build/vmlinuz`, `images/${id}/build/initrd.gz`]) hash.update(readFileSync(join(root, file)));
  hash.update(`processor ${VCPU_STATE_VERSION} snapshot ${SNAPSHOT_REVISION}`);
  return hash.digest("hex");
}
export function readResume(root: string, id: string): ResumeRecord | null {
  const build = join(root, "images", id, "build");
  if (!existsSync(join(build, RECORD))) return null;
  const record = JSON.parse(readFileSync(join(build, RECORD), "utf8")) as ResumeRecord;
  const file = join(build, record.file);
  if (record.key !== keyOf(root, id) || !existsSync(file)) return null;
  const bytes = readFileSync(file);
  if (sha256(bytes) !== record.sha256) return null;
  if (record.head) return record;
  // Made before records had it: the file is whole, so its head is.
  const { key, file: name, bytes: length, sha256: digest } = record;
  const whole = { key, file: name, bytes: length, sha256: digest, head: headOf(bytes) };
  writeFileSync(join(build, RECORD), `${JSON.stringify(whole, null, 2)}\n`);
  return whole;
}
function headOf(bytes: Uint8Array): ResumeRecord["head"] {
  const length = vmHeadLength(bytes);
  return { bytes: length, sha256: sha256(bytes.subarray(0, length)) };
}
export async function makeResume(root: string, id: string, config: DomainConfig): Promise<ResumeRecord> {
  const build = join(root, "images", id, "build");
  let text = "";
  const serial = new QueueBytes((byte) => {
    text += String.fromCharCode(byte);
  });
  const booting = domainSchema.parse({ ...config, boot: { ...config.boot, append: `${config.boot.append} ${RESUME_FLAG}` } });
  const made = await openMachine(booting, { root, jitWorker, bytes: (port) => (port === "serial0" ? serial : new QueueBytes()), picture: new CapturePicture() });
  const { machine } = made;
  await machine.start();
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  for (const started = Date.now(); !text.includes("GUESTHOUSE-WAITS"); await wait(50))
    if (machine.state !== "running" || Date.now() - started > MOST_MS)
      throw new FaultError("resume.make", `${id} did not reach the point where it is saved: ${JSON.stringify(text.slice(-200))}.`, "Does the guest boot without a snapshot?");
  // Let what else was starting come to rest: the processor sleeps nearly all the time then.
  for (let quiet = 0, busy = machine.busyMs; quiet < 3; busy = machine.busyMs) {
    await wait(500);
    quiet = machine.busyMs - busy < 150 ? quiet + 1 : 0;
  }
  machine.pause();
  const saved = await captureVm(machine, made.keeper, "ask-time", PACKED_HARD);
  // The machine that resumes has the plain command line: what is saved says so.
  const vm = { ...saved, sections: { ...saved.sections, config } };
  machine.powerOff();
  await made.close();
  const hot = await touched(root, vm);
  // Their neighbours are likely next.
  const order = new Set([...hot.pages].map((page) => Math.floor(page / CHUNK_PAGES)));
  const chunks = new Map([...order, ...[...vm.chunks.keys()].filter((n) => !order.has(n))].flatMap((n): [number, PackedChunk][] => (vm.chunks.has(n) ? [[n, vm.chunks.get(n) as PackedChunk]] : [])));
  const bytes = Buffer.concat(encodeVm({ ...vm, hot, chunks }, PACKED_HARD));
  const digest = sha256(bytes);
  const record = { key: keyOf(root, id), file: `resume-${digest.slice(0, 12)}.ghvm`, bytes: bytes.length, sha256: digest, head: headOf(bytes) };
  for (const old of readdirSync(build)) if (/^resume-.*\.ghvm$/.test(old)) rmSync(join(build, old));
  writeFileSync(join(build, `${record.file}.part`), bytes);
  renameSync(join(build, `${record.file}.part`), join(build, record.file));
  writeFileSync(join(build, RECORD), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}
/** Pages of RAM that the guest touches between resuming and its prompt, by a command, and by what its kernel does every few seconds, with what they hold before. */
async function touched(root: string, vm: VmState): Promise<HotPages> {
  let text = "";
  const serial = new QueueBytes((byte) => {
    text += String.fromCharCode(byte);
  });
  const made = await openMachine(vm.sections.config, { root, jitWorker, bytes: (port) => (port === "serial0" ? serial : new QueueBytes()), picture: new CapturePicture() });
  const pages: number[] = [];
  made.keeper.onTouch = (page) => void pages.push(page);
  await restoreVm(made.machine, made.keeper, vm);
  made.machine.resume();
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const until = async (what: string) => {
    for (const started = Date.now(); !text.includes(what); await wait(20))
      if (made.machine.state !== "running" || Date.now() - started > 120_000) throw new FaultError("resume.make", `A resumed guest did not answer: ${JSON.stringify(text.slice(-200))}.`);
  };
  serial.feed(new TextEncoder().encode(resumeLine()));
  await until("BOOT-OK");
  await until("~ # ");
  // As a person types: each key wakes the shell.
  for (const key of new TextEncoder().encode('ls /; uname -a; date; echo DO""NE\n')) {
    serial.feed([key]);
    await wait(TYPING_MS);
  }
  await until("DONE");
  await wait(WATCHED_MS);
  made.machine.powerOff();
  await made.close();
  const bytes = new Uint8Array(pages.length * PAGE);
  pages.forEach((page, n) => {
    const chunk = Math.floor(page / CHUNK_PAGES);
    const packed = vm.chunks.get(chunk);
    if (packed) bytes.set(zstdDecompress(packed.bytes, CHUNK_BYTES, "the saved machine").subarray((page - chunk * CHUNK_PAGES) * PAGE, (page - chunk * CHUNK_PAGES + 1) * PAGE), n * PAGE);
  });
  return { pages: Uint32Array.from(pages), bytes };
}
/** The domain that resumes. */
export function resuming(id: string, config: DomainConfig): DomainConfig {
  return { ...config, boot: { ...config.boot, resume: `guest:${id}/${RECORD}` } };
}
