// Plays lessons without a page: their machines in Node, the same runner and checks. Used by lessons.test.ts for the lessons of public/lessons.

import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DomainConfig, domainSchema } from "../../../src/contract/domain.ts";
import { configOf } from "../../../src/lessons/domain.ts";
import type { LessonMachineData } from "../../../src/lessons/format.ts";
import type { LessonMachine } from "../../../src/lessons/machine.ts";
import { fetchLesson, type Lesson } from "../../../src/lessons/read.ts";
import type { LessonHost } from "../../../src/lessons/run.ts";
import { CapturePicture } from "../../backends/picture.ts";
import { createMonitor } from "../../monitor/index.ts";
import { type NodeMachine, openMachine } from "../../node-machine.ts";
import type { BytesBackend } from "../../platform/types.ts";

export const root = join(import.meta.dirname, "../../..");
export const lessonsFolder = join(root, "public/lessons");
/** In the order of the catalogue. */
export const lessonIds = (JSON.parse(readFileSync(join(lessonsFolder, "index.json"), "utf8")) as { lessons: { id: string }[] }).lessons.map((l) => l.id);
export const foldersOfLessons = readdirSync(lessonsFolder, { withFileTypes: true }).filter((e) => e.isDirectory()).map((e) => e.name);

export function readFolder(id: string): Promise<Lesson> {
  return fetchLesson(async (name) => {
    try {
      return new Uint8Array(readFileSync(join(lessonsFolder, id, name)));
    } catch {
      return null;
    }
  });
}
interface Guest {
  readonly id: string;
  readonly config: unknown;
}
/** A guest of the catalogue, when it is built. */
export function guestConfig(id: string): DomainConfig | null {
  try {
    const rows = JSON.parse(readFileSync(join(root, "images/build/index.json"), "utf8")) as readonly Guest[];
    const row = rows.find((g) => g.id === id);
    return row ? domainSchema.parse(row.config) : null;
  } catch {
    return null;
  }
}

export class Stage implements LessonHost {
  readonly lesson: Lesson;
  /** Everything that the guest sent on COM1. */
  output = "";
  #open: NodeMachine | null = null;
  constructor(lesson: Lesson) {
    this.lesson = lesson;
  }
  now(): number {
    return Date.now();
  }
  wait(ms: number): Promise<void> {
    return new Promise((r) => setTimeout(r, ms));
  }
  async open(_name: string, data: LessonMachineData): Promise<LessonMachine> {
    await this.close();
    this.output = "";
    const config = configOf(this.lesson, data, (id) => guestConfig(id));
    const folder = mkdtempSync(join(tmpdir(), "lesson-"));
    const disks = config.disks.map((disk) => {
      const [kind, name = ""] = disk.source.split(":");
      if (kind !== "lesson") return disk;
      const file = join(folder, `${name}.img`);
      writeFileSync(file, this.lesson.programs[name] as Uint8Array);
      return { ...disk, source: `file:${file}` };
    });
    const waiting: number[] = [];
    let readable = () => {};
    const serial: BytesBackend = {
      write: (byte) => {
        this.output += String.fromCharCode(byte);
      },
      onReadable: (listener) => {
        readable = listener;
      },
      read: () => waiting.shift() ?? -1,
    };
    const open = await openMachine({ ...config, disks }, { root, picture: new CapturePicture(), bytes: (id) => (id === "serial0" ? serial : { write: () => {}, onReadable: () => {}, read: () => -1 }), traceCapacity: 1 << 16 });
    this.#open = open;
    const { machine, board, cpu, input, debug, history } = open;
    const monitor = createMonitor({ board, machine, cpu, input, debug, version: "test", ...(history ? { history } : {}) });
    await machine.start({ paused: data.start === "paused" });
    return {
      execute: (name, args = {}) => monitor.execute(name, args),
      type: (line) => monitor.type(line),
      serial: (text) => {
        waiting.push(...new TextEncoder().encode(text));
        readable();
        machine.wake();
      },
      trace: board.trace.buffer,
      panel: () => {},
    };
  }
  async close(): Promise<void> {
    this.#open?.machine.powerOff();
    await this.#open?.close();
    this.#open = null;
  }
}
