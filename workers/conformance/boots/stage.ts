// A guest of the catalogue in Node, with what a test wants of it: serial text, screen text, keys, waiting.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DomainConfig, domainSchema } from "../../../src/contract/domain.ts";
import { QueueBytes } from "../../backends/bytes.ts";
import { jitWorker } from "../../jit-bundle.node.ts";
import { CapturePicture } from "../../backends/picture.ts";
import { type NodeMachine, openMachine } from "../../node-machine.ts";

export const root = fileURLToPath(new URL("../../../", import.meta.url));

export { jitWorker };
export function guestConfig(id: string): DomainConfig {
  const rows = JSON.parse(readFileSync(join(root, "images/build/index.json"), "utf8")) as { id: string; config: unknown }[];
  const row = rows.find((r) => r.id === id);
  if (!row) throw new Error(`${id} is not built: npm run images`);
  // Boots are looked at here, not saved machines.
  const config = domainSchema.parse(row.config);
  return { ...config, boot: { ...config.boot, resume: "" } };
}
export class Stage {
  readonly node: NodeMachine;
  readonly picture: CapturePicture;
  private readonly out: { [id: string]: string };
  private readonly serial: QueueBytes;

  private constructor(node: NodeMachine, picture: CapturePicture, serial: QueueBytes, out: { [id: string]: string }) {
    this.node = node;
    this.picture = picture;
    this.serial = serial;
    this.out = out;
  }
  static async open(config: DomainConfig): Promise<Stage> {
    const out: { [id: string]: string } = {};
    const picture = new CapturePicture(30_000_000);
    const queue = (id: string) => new QueueBytes((byte) => void (out[id] = (out[id] ?? "") + String.fromCharCode(byte)));
    const serial = queue("serial0");
    const node = await openMachine(config, { root, jitWorker, picture, bytes: (id) => (id === "serial0" ? serial : queue(id)) });
    return new Stage(node, picture, serial, out);
  }
  text(id = "serial0"): string {
    return this.out[id] ?? "";
  }
  screen(): string {
    return (this.picture.rows ?? []).map((r) => r.trimEnd()).join("\n");
  }
  type(text: string): void {
    this.serial.feed(Buffer.from(text));
    this.node.machine.wake();
  }
  /** Resolves when `done` holds; fails after `seconds` with what was seen. */
  async until(done: () => boolean, seconds: number, what: string): Promise<void> {
    const end = Date.now() + seconds * 1000;
    while (!done()) {
      const { machine } = this.node;
      const { state, last } = machine;
      if (state !== "running") throw new Error(`${what}: the machine is ${state} (${last.reason}) ${String(last.error ?? "")}`);
      if (Date.now() > end) throw new Error(`${what}: not after ${seconds} s.\nserial: ${this.text().slice(-1500)}\nscreen:\n${this.screen()}`);
      await new Promise((r) => setTimeout(r, 20));
    }
  }
  missing(): string[] {
    return [...this.node.board.missing.keys()];
  }
}
