// Steps back by random distances in a recorded machine, each compared with the state that the moment had when the machine came by the first time: the
// proof behind "step back" (time-travel.test.ts has a slice; `npm run history` goes ten thousand times). What is compared: all of RAM, the processor's state
// without its statistics, guest time, and the section of every device (registers, timers, queues, video memory). Distances are spread evenly over their
// logarithm, from one instruction up to the whole recording.

import { createHash } from "node:crypto";
import { COUNTERS } from "../cpu/core/layout.ts";
import { PoolMemory } from "../cpu/guest-memory.ts";
import { type SectorMachine, sectorMachine } from "../debugging.node.ts";
import { saveSections } from "../machine/snapshot.ts";
import type { NodeMachine } from "../node-machine.ts";
import { fields } from "../platform/state.ts";
import { encodeState } from "./state-codec.ts";

// A boot sector that counts at 500h, fills pages by REP STOSD, is interrupted by the timer (count at 508h), echoes what comes on COM1 and keeps it at 600h,
// and halts now and then:
//         bits 16
//         org 7C00h
// start:  cli
//         xor ax, ax
//         mov ds, ax
//         mov ss, ax
//         mov sp, 7000h           ; away from the code: translations last
//         mov word [8 * 4], tick
//         mov [8 * 4 + 2], ax
//         mov al, 11h
//         out 20h, al
//         mov al, 8
//         out 21h, al
//         mov al, 4
//         out 21h, al
//         mov al, 1
//         out 21h, al
//         mov al, 0FEh
//         out 21h, al
//         mov al, 34h
//         out 43h, al
//         mov al, 0
//         out 40h, al
//         mov al, 2               ; 512 / 1193182 s
//         out 40h, al
//         sti
// next:   inc dword [500h]
//         mov eax, [500h]         ; a page here and there
//         and eax, 3Fh
//         shl eax, 10
//         add eax, 10000h
//         shr eax, 4
//         mov es, ax
//         mov cx, 200
//         xor di, di
//         mov eax, [500h]
//         rep stosd
//         mov dx, 3FDh
//         in al, dx
//         test al, 1
//         jz rest
//         mov dx, 3F8h
//         in al, dx
//         mov bx, [504h]
//         mov [bx + 600h], al
//         inc word [504h]
//         out dx, al
// rest:   test byte [500h], 7
//         jnz next
//         hlt
//         jmp next
// tick:   inc dword [508h]
//         push ax
//         mov al, 20h
//         out 20h, al
//         pop ax
//         iret
//         times 510 - ($ - $$) db 0
//         dw 0AA55h
export const countingProgram = new Uint8Array(512);
countingProgram.set(Buffer.from("+jHAjtiO0LwAcMcGIACAfKMiALAR5iCwCOYhsATmIbAB5iGw/uYhsDTmQ7AA5kCwAuZA+2b/BgAFZqEABWaD4D9mweAKZgUAAAEAZsHoBI7AucgAMf9moQAF82aruv0D7KgBdBG6+APsix4EBYiHAAb/BgQF7vYGAAUHdbf067Rm/wYIBVCwIOYgWM8=", "base64"));
countingProgram.set([0x55, 0xaa], 510);


export function random(seed: number): () => number {
  let s = seed;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

export function poolOf({ board }: NodeMachine): PoolMemory {
  if (!(board.memory instanceof PoolMemory)) throw new Error("this machine's RAM is not in the pool");
  return board.memory;
}
/** Hashes a machine's whole state. Pages that nobody wrote since the last time are not hashed again, unless `whole` is asked for. */
export class StateHash {
  readonly #made: NodeMachine;
  readonly #memory: PoolMemory;
  readonly #pages = new Map<number, number>();
  /** A digest for each page of RAM. */
  readonly #digests: Uint8Array;

  constructor(made: NodeMachine) {
    this.#made = made;
    this.#memory = poolOf(made);
    for (const [first, pages] of this.#memory.ramRuns()) for (let page = first; page < first + pages; page++) this.#pages.set(page, this.#pages.size);
    this.#digests = new Uint8Array(this.#pages.size * 20);
    this.#memory.takeWritten(() => {});
    for (const page of this.#pages.keys()) this.#page(page);
  }
  #page(page: number): void {
    if (this.#memory.isDeferred(page)) this.#memory.pageIn(page);
    this.#digests.set(createHash("sha1").update(this.#memory.frame(page)).digest(), (this.#pages.get(page) as number) * 20);
  }
  /** With `whole`, each page is read again, and a page that changed without being noted as written is a bug. */
  of(whole = false): string {
    const { board } = this.#made;
    this.#memory.takeWritten((page) => this.#page(page));
    if (whole) {
      const noted = this.#digests.slice();
      for (const page of this.#pages.keys()) this.#page(page);
      for (const [page, n] of this.#pages) for (let i = n * 20; i < n * 20 + 20; i++) if (noted[i] !== this.#digests[i]) throw new Error(`page ${page} changed, but was not noted as written`);
    }
    const hash = createHash("sha256").update(this.#digests).update(String(board.clock.now()));
    for (const { device, state } of saveSections(board).sections) {
      if (device === "cpu") (fields(state, "cpu").block as Uint8Array).fill(0, COUNTERS, COUNTERS + 64);
      hash.update(device).update(encodeState(state));
    }
    return hash.digest("hex");
  }
}

export interface Walk {
  /** Steps back so far. */
  readonly steps: number;
  /** Instructions that they went back, in all. */
  readonly back: number;
  /** Returns to a later moment in between, each compared too. */
  readonly returns: number;
  readonly whole: number;
}
export interface WalkOptions {
  readonly steps: number;
  /** Moments whose states are known; the more, the more different distances. */
  readonly moments: number;
  readonly seed: number;
  /** All of RAM is hashed at each so many-th comparison. */
  readonly wholeEvery: number;
  progress?(walk: Walk): void;
}
/** Notes the states of random moments on the way from `from` to where the machine stands, then steps back among them. Throws at the first difference. */
export function walkBack(made: NodeMachine, from: number, { steps, moments: count, seed, wholeEvery, progress }: WalkOptions): Walk {
  const { history, cpu } = made;
  if (!history) throw new Error("this machine cannot go back");
  const to = cpu.instructions();
  const next = random(seed);
  // Neighbours a few instructions apart, at random places: a step of one instruction is one of the distances.
  const chosen = new Set<number>([from, to]);
  while (chosen.size < count) {
    const at = from + Math.floor(next() * (to - from));
    for (const near of [0, 1, 2, 9, 100]) if (at + near < to) chosen.add(at + near);
  }
  const moments = [...chosen].sort((a, b) => a - b);
  const hash = new StateHash(made);
  const end = hash.of(true);
  const expected: string[] = [];
  history.goTo(from);
  for (const at of moments) {
    history.goTo(at);
    expected.push(hash.of());
  }
  if (new Set(expected).size !== moments.length) throw new Error("two moments have one state");
  if (expected.at(-1) !== end) throw new Error(`instruction ${to}: executed again, its state is another`);
  let [done, back, returns, whole, compared] = [0, 0, 0, 0, 0];
  const compare = (index: number, how: string): void => {
    const all = ++compared % wholeEvery === 0;
    if (all) whole++;
    const [is, at] = [hash.of(all), moments[index]];
    if (cpu.instructions() !== at) throw new Error(`${how}: at instruction ${cpu.instructions()}, not ${at}`);
    if (is !== expected[index]) throw new Error(`${how}: instruction ${at} has another state than it had`);
  };
  let index = moments.length - 1;
  while (done < steps) {
    if (index === 0) {
      index = 1 + Math.floor(next() * (moments.length - 1));
      history.goTo(moments[index] as number);
      returns++;
      compare(index, `after ${done} steps, forth again`);
    }
    const distance = Math.max(1, Math.floor(moments.length ** next()));
    const target = Math.max(0, index - distance);
    const far = (moments[index] as number) - (moments[target] as number);
    history.stepBack(far);
    index = target;
    back += far;
    compare(index, `step ${++done}, ${far} instructions back`);
    progress?.({ steps: done, back, returns, whole });
  }
  history.goTo(to);
  if (hash.of(true) !== end) throw new Error(`instruction ${to}: its state is another after all steps`);
  return { steps: done, back, returns, whole };
}
/** A machine that has run countingProgram for `length` instructions and recorded it, spoken to ten times at odd moments. */
export async function recordedCounting(accel: "interp" | "jit", length: number): Promise<SectorMachine> {
  const made = await sectorMachine(countingProgram, { serial: ["console"] }, accel, 30_000);
  await made.machine.start({ paused: true });
  const reply = await made.type("record");
  if (reply !== "") throw new Error(reply);
  const next = random(5);
  for (let n = 1; n <= 10; n++) {
    made.machine.advance(Math.floor((length * (n - 1 + next())) / 10));
    made.serial.feed([0x40 + n, 0x60 + n].slice(0, 1 + (n & 1)));
  }
  made.machine.advance(length);
  return made;
}
