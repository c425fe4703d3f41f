// One region as one WebAssembly function: core's handlers copied one after the other (copy.ts), joined by branches inside the region and by tail
// calls of core's dispatcher at its exits. Registers and flags are loaded at the entry where needed, stored at exits and before anything that may
// look at them. Faults are precise: before a call that may unwind, the state is what the interpreter would have at that instruction.

import { ATTENTION, BLOCK_IP, ICOUNT, IP, LIMIT, TLB_ADDEND, TLB_ENTRIES, TLB_ENTRY_SIZE, TLB_EXEC, VCPU_BASE } from "../core/layout.ts";
import { Copier, FLAG_A, FLAG_B, FLAG_OP, type Imports, type Place, UNSUPPORTED, type Uses, VARIABLES } from "./copy.ts";
import type { CoreFunctions } from "./core-functions.ts";
import { I64 } from "./emit.ts";
import type { Ir } from "./ir.ts";
import { type Instruction, isFlat32, keepsFlags, type Node, overwritesFlags, type Region, successors, takesFlagsAsData, WIDE } from "./region.ts";

export interface Compiled {
  /** Entry of the module's code section. */
  readonly body: Uint8Array;
  /** As in Ir. */
  readonly hints: readonly number[];
  /** Instructions copied with registers in locals, with the state in memory, and left to the interpreter. */
  readonly promoted: number;
  readonly plain: number;
  readonly left: number;
}
/** One end of a region for many places, which is what keeps them small: kernels' code, much of it seldom run, waits for its own bytes. */
interface SharedEnd {
  /** Places that go there, with what was certain at them. */
  readonly sites: { readonly node: Node; readonly dirty: number; readonly defined: number }[];
  /** What it stores: every variable that is dirty at any of them. */
  mask: number;
}
type Label = { readonly kind: "loop" | "behind"; readonly node: number } | { readonly kind: "if" };

/** Where in a function's body the code of an instruction begins. */
export interface Mark {
  readonly at: number;
  /** Distance of the instruction from the region's entry, and its bytes; length 0: the region's ends. */
  readonly delta: number;
  readonly length: number;
}
/** Null when not even the first instruction can be copied. `marks` takes where each instruction's code begins. */
export function compileRegion(core: CoreFunctions, ir: Ir, imports: Imports, region: Region, marks: Mark[] | null = null): Compiled | null {
  return new Compiler(core, ir, imports, region, marks).compile();
}

class Compiler {
  private readonly copier: Copier;
  private readonly uses = new Map<Node, Uses>();
  private readonly knownBefore: Copier["known"] = [];
  private readonly knownAtEnd = new Map<number, Copier["known"]>();
  private readonly dirtyIn = new Map<Node, number>();
  private readonly labels: Label[] = [];
  private readonly ends: { readonly bail: SharedEnd; readonly leave: SharedEnd } = { bail: { sites: [], mask: 0 }, leave: { sites: [], mask: 0 } };
  private loads = 0;
  private touched = 0;
  private promoted = 0;
  private plain = 0;
  private left = 0;
  /** The entry's first instruction cannot be copied. */
  private empty = false;
  private node: Node;

  constructor(
    private readonly core: CoreFunctions,
    private readonly ir: Ir,
    private readonly imports: Imports,
    private readonly region: Region,
    private readonly marks: Mark[] | null,
  ) {
    this.copier = new Copier(core, ir, imports, region.mode, (c, only) => this.spill(c.uses, only), (c) => this.shares("bail", c.uses));
    this.node = region.nodes[0] as Node;
  }
  compile(): Compiled | null {
    const { ir, copier } = this;
    ir.clear();
    ir.later(() => this.prologue());
    const { bail, leave } = this.ends;
    const bailBlock = ir.op1(0x02, I64);
    const leaveBlock = ir.op1(0x02, 0x40);
    this.tree(0);
    const { marks } = this;
    if (marks) ir.later(() => void marks.push({ at: ir.position, delta: 0, length: 0 }));
    // Every path ends in a tail call or goes to a shared end.
    ir.op0(0x00);
    ir.op0(0x0b);
    if (leave.sites.length) {
      ir.later(() => this.store(leave.mask));
      this.storeCount(0);
      this.dispatch("dispatch");
      ir.op0(0x0b);
    } else ir.drop(leaveBlock);
    if (bail.sites.length) {
      // The site is on the stack.
      ir.later(() => this.store(bail.mask));
      copier.plus("ip", 0n);
      copier.plus("icount", 0n);
      ir.op1(0x12, this.imports.functionOf(this.core.function("bailFrom")));
      ir.op0(0x0b);
    } else ir.drop(bailBlock);
    // A region that leaves before it did anything would be entered again at once.
    if (this.empty) return null;
    this.flow();
    copier.local("icount");
    copier.local("ip");
    const body = ir.encode(this.core.code.bytes, copier.types, [1, bail.sites.length ? 2 : 1]);
    return { body, hints: ir.hints, promoted: this.promoted, plain: this.plain, left: this.left };
  }

  /** This place goes to a shared end; or not: behind an instruction that used the state in memory only some locals are right. */
  private shares(end: "bail" | "leave", uses: Uses): boolean {
    if (uses.clean) return false;
    this.ends[end].sites.push({ node: this.node, dirty: uses.dirty, defined: uses.defined });
    return true;
  }
  /** The region ends with RIP stored and `count` instructions of this block done. */
  private exit(count: number): void {
    const { ir, copier } = this;
    if (this.shares("leave", copier.uses)) {
      if (count) {
        copier.plus("icount", BigInt(count));
        ir.op1(0x21, copier.local("icount"));
      }
      ir.outer("leave");
      return;
    }
    this.spill(copier.uses, -1);
    this.storeCount(count);
    this.dispatch("dispatch");
  }

  // ---- structure --------------------------------------------------------------------------------------------------------
  private tree(n: number): void {
    const node = this.region.nodes[n] as Node;
    const merges = node.children.filter((c) => (this.region.nodes[c] as Node).merge).sort((a, b) => (this.region.nodes[b] as Node).order - (this.region.nodes[a] as Node).order);
    if (node.loop) {
      this.ir.op1(0x03, 0x40);
      this.labels.push({ kind: "loop", node: n });
      this.within(n, merges);
      this.labels.pop();
      this.ir.op0(0x0b);
    } else this.within(n, merges);
  }
  private within(n: number, merges: readonly number[]): void {
    const first = merges[0];
    if (first === undefined) {
      this.block(n);
      return;
    }
    this.ir.op1(0x02, 0x40);
    this.labels.push({ kind: "behind", node: first });
    this.within(n, merges.slice(1));
    this.labels.pop();
    this.ir.op0(0x0b);
    this.tree(first);
  }
  private go(to: number): void {
    const node = this.region.nodes[to] as Node;
    const kind = node.loop && this.labels.some((l) => l.kind === "loop" && l.node === to) ? "loop" : "behind";
    if (kind === "loop" || node.merge) {
      const at = this.labels.findLastIndex((l) => l.kind === kind && l.node === to);
      if (at < 0) throw new Error("translator: no label for a branch");
      this.ir.op1(0x0c, this.labels.length - 1 - at);
    } else this.tree(to);
  }

  // ---- one block --------------------------------------------------------------------------------------------------------
  private block(n: number): void {
    const node = this.region.nodes[n] as Node;
    const { copier } = this;
    this.node = node;
    const uses: Uses = { dirty: 0, defined: 0, exposed: 0, clean: false, reloads: [], touched: 0 };
    copier.uses = uses;
    this.uses.set(node, uses);
    const only = node.predecessors[0];
    copier.known = n !== 0 && !node.loop && node.predecessors.length === 1 && only !== undefined ? [...(this.knownAtEnd.get(only) ?? [])] : [];
    if (node.loop) this.loopCheck(node);
    const count = node.instructions.length;
    for (let i = 0; i < count; i++) {
      const instruction = node.instructions[i] as Instruction;
      const last = i === count - 1;
      const { ending } = node;
      this.mark(node, instruction);
      if (last && (ending.kind === "condition" || ending.kind === "jumps")) {
        this.promoted++;
        this.jump(n, instruction, i);
        return;
      }
      const other = last && ending.kind !== "falls";
      copier.flagsDead = !other && this.flagsDead(node, i);
      copier.flagsUnread = copier.flagsDead && keepsFlags(instruction);
      const done = this.copy(instruction, i, other);
      copier.flagsDead = copier.flagsUnread = false;
      if (!done) {
        if (n === 0 && i === 0) this.empty = true;
        this.left += count - i;
        this.leave(node.delta + instruction.start, i);
        return;
      }
      if (other) {
        if (done === "promoted" && (ending.kind === "calls" || ending.kind === "returns") && successors(node).length) {
          this.knownAtEnd.set(n, [...copier.known]);
          this.transfer(node, count);
          return;
        }
        this.exit(count);
        return;
      }
    }
    this.knownAtEnd.set(n, [...copier.known]);
    this.edge(node.next, node.nextDelta, count);
  }
  private mark(node: Node, { start, end }: Instruction): void {
    const { marks, ir } = this;
    if (marks) ir.later(() => void marks.push({ at: ir.position, delta: node.delta + start, length: end - start }));
  }
  /** A call or return that may stay in the region; RIP is stored already. */
  private transfer(node: Node, count: number): void {
    const { ir, copier } = this;
    if (copier.mayStop) {
      ir.op1(0x20, copier.local("stop"));
      ir.op1(0x04, 0x40);
      ir.cold();
      this.spill(copier.uses, -1);
      this.storeCount(count);
      this.dispatch("leaveStopped");
      ir.op0(0x0b);
    }
    if (node.ending.kind === "calls") {
      this.edge(node.target, node.targetDelta, count);
      return;
    }
    ir.i32(0);
    ir.op2(0x29, 3, VCPU_BASE + IP);
    ir.op1(0x20, copier.local("ip"));
    ir.op0(0x7d);
    ir.op1(0x21, copier.local("target"));
    for (const s of node.sites) {
      const site = this.region.nodes[s] as Node;
      ir.op1(0x20, copier.local("target"));
      ir.i64(BigInt(site.delta));
      ir.op0(0x51);
      ir.op1(0x04, 0x40);
      this.labels.push({ kind: "if" });
      this.edge(s, site.delta, count);
      this.resume(node);
      this.labels.pop();
      ir.op0(0x0b);
    }
    this.exit(count);
  }
  /** The flags of instruction `i` are overwritten by a later one of the block, and nothing between can fault, leave or read them. */
  private flagsDead(node: Node, i: number): boolean {
    if (takesFlagsAsData(node.instructions[i] as Instruction)) return false;
    for (let j = i + 1; j < node.instructions.length; j++) {
      const next = node.instructions[j] as Instruction;
      const index = this.core.code.table.get(next.handler);
      if (index === undefined) return false;
      const effects = this.core.effects(index);
      if (effects.reachesHost || effects.readsFlags) return false;
      if (effects.writesFlags) return overwritesFlags(next);
    }
    return false;
  }
  private place(instruction: Instruction, before: number): Place {
    const { node } = this;
    const { record, bytes, start, end } = instruction;
    return { record, bytes, before, block: node.block, blockDelta: BigInt(node.delta), startDelta: BigInt(node.delta + start), endDelta: BigInt(node.delta + end) };
  }
  /** One instruction; `ends`: it decides where to go. False: it cannot be copied. */
  private copy(instruction: Instruction, before: number, ends: boolean): "promoted" | "plain" | false {
    const { copier, ir, core } = this;
    const { uses } = copier;
    const index = core.code.table.get(instruction.handler);
    if (index === undefined || ir.full) return false;
    const place = this.place(instruction, before);
    const { dirty, defined, exposed, clean, touched } = uses;
    const reloads = uses.reloads.length;
    const emitted = ir.count;
    const { known } = copier;
    this.knownBefore.length = 0;
    for (let v = 0; v < known.length; v++) this.knownBefore.push(known[v]);
    try {
      if (ends) this.storeIp(place.endDelta);
      const behind = ir.count;
      copier.handler(index, place, true);
      if (ends && copier.storesIp) for (let n = emitted; n < behind; n++) ir.drop(n);
      this.promoted++;
      if (copier.mayStop && !ends) {
        ir.op1(0x20, copier.local("stop"));
        this.stopIf(place, before + 1);
      }
      return "promoted";
    } catch (error) {
      if (error !== UNSUPPORTED) throw error;
    }
    ir.rewind(emitted);
    copier.known = [...this.knownBefore];
    Object.assign(uses, { dirty, defined, exposed, clean, touched });
    // The masks themselves stay the same objects: later bits must reach the loads that were planned.
    uses.reloads.length = reloads;
    try {
      this.spill(uses, -1);
      copier.syncAt(place);
      if (ends) this.storeIp(place.endDelta);
      copier.handler(index, place, false);
    } catch (error) {
      if (error !== UNSUPPORTED) throw error;
      ir.rewind(emitted);
      return false;
    }
    this.plain++;
    uses.clean = true;
    uses.dirty = 0;
    uses.defined = 0;
    copier.known = [];
    if (ends) return "plain";
    const reload = { mask: 0 };
    uses.reloads.push(reload);
    const { node } = this;
    ir.later(() => {
      const mask = successors(node).length ? this.touched : reload.mask;
      this.load(mask);
      this.loadTlb();
    });
    ir.op1(0x23, this.imports.globalOf(core.global("stopSignal")));
    this.stopIf(place, before + 1);
    return "plain";
  }
  /** i32 on the stack: not 0 = the region ends behind the instruction. */
  private stopIf(place: Place, count: number): void {
    this.ir.op1(0x04, 0x40);
    this.ir.cold();
    this.spill(this.copier.uses, -1);
    this.storeIp(place.endDelta);
    this.storeCount(count);
    this.dispatch("leaveStopped");
    this.ir.op0(0x0b);
  }
  private jump(n: number, instruction: Instruction, before: number): void {
    const { copier, ir, core } = this;
    const { node } = this;
    const count = before + 1;
    const place = this.place(instruction, before);
    if (node.ending.kind === "jumps") {
      this.knownAtEnd.set(n, [...copier.known]);
      this.taken(node, place, count);
      return;
    }
    const code = node.ending.kind === "condition" ? node.ending.code : 0;
    const known = copier.condition(core.function(`holds${code}`), place);
    this.knownAtEnd.set(n, [...copier.known]);
    if (known !== null) {
      if (known) this.taken(node, place, count);
      else this.edge(node.next, node.nextDelta, count);
      return;
    }
    ir.op1(0x04, 0x40);
    this.labels.push({ kind: "if" });
    this.taken(node, place, count);
    this.resume(node);
    this.labels.pop();
    ir.op0(0x0b);
    this.edge(node.next, node.nextDelta, count);
    this.resume(node);
  }
  /** Emission of other blocks came between. */
  private resume(node: Node): void {
    this.node = node;
    this.copier.uses = this.uses.get(node) as Uses;
  }
  private taken(node: Node, place: Place, count: number): void {
    if (!node.targetNear && this.region.mode === WIDE) {
      // A target that is not canonical faults at the jump.
      const { ir, copier } = this;
      this.copier.plus("ip", BigInt(node.targetDelta));
      ir.i64(16n);
      ir.op0(0x86);
      ir.i64(16n);
      ir.op0(0x87);
      this.copier.plus("ip", BigInt(node.targetDelta));
      ir.op0(0x52);
      ir.op1(0x04, 0x40);
      ir.cold();
      if (!copier.raises(place)) {
        this.spill(copier.uses, -1);
        copier.syncAt(place);
        ir.op1(0x10, this.imports.functionOf(this.core.function("raiseNear")));
        ir.op0(0x00);
      }
      ir.op0(0x0b);
    }
    this.edge(node.target, node.targetDelta, count, !node.targetNear);
  }
  /** To a node of the region, or out of it. */
  private edge(to: number, delta: number, count: number, far = false): void {
    if (to < 0) {
      this.leave(delta, count, far);
      return;
    }
    const { ir, copier } = this;
    if (this.crosses(to)) this.checkPage(to, delta, count);
    copier.plus("icount", BigInt(count));
    ir.op1(0x21, copier.local("icount"));
    this.go(to);
  }
  /** Whether the way to a node goes into another page, which may not be mapped as it was. The entry's own page is: the region was entered through it. */
  private crosses(to: number): boolean {
    const { page } = this.region.nodes[to] as Node;
    return page !== 0 && page !== this.node.page;
  }
  /** Goes on only if the TLB has the target's page where it was when the region was gathered; otherwise the dispatcher finds what is there now. */
  private checkPage(to: number, delta: number, count: number): void {
    const { ir, copier } = this;
    const target = this.region.nodes[to] as Node;
    const at = copier.local("target");
    const entry = copier.local("entry");
    this.copier.plus("ip", BigInt(delta));
    ir.op1(0x22, at);
    // Mem.entry() of core/mmu.ts.
    ir.i64(7n);
    ir.op0(0x88);
    ir.op0(0xa7);
    ir.i32((TLB_ENTRIES - 1) * TLB_ENTRY_SIZE);
    ir.op0(0x71);
    ir.op1(0x20, copier.local("tlb"));
    ir.op0(0x6a);
    ir.op1(0x22, entry);
    ir.op2(0x29, 3, TLB_EXEC);
    ir.op1(0x20, at);
    ir.i64(-4096n);
    ir.op0(0x83);
    ir.op1(0x20, copier.local("generation"));
    ir.op0(0x84);
    ir.op0(0x52);
    ir.op1(0x20, at);
    ir.op0(0xa7);
    ir.op1(0x20, entry);
    ir.op2(0x28, 2, TLB_ADDEND);
    ir.op0(0x6a);
    ir.i32(target.host);
    ir.op0(0x47);
    ir.op0(0x72);
    ir.op1(0x04, 0x40);
    ir.cold();
    this.leave(delta, count, true);
    ir.op0(0x0b);
  }
  /** The region ends; RIP is `delta` from its entry, `count` instructions of this block are done. `far`: the target may wrap at 4 GiB. */
  private leave(delta: number, count: number, far = false): void {
    this.storeIp(BigInt(delta), far && isFlat32(this.region.mode));
    this.exit(count);
  }
  /** Head of a loop: pending work or a budget that another round could exceed end the region here. */
  private loopCheck(node: Node): void {
    const { ir, copier } = this;
    ir.i32(0);
    ir.op2(0x28, 2, VCPU_BASE + ATTENTION);
    ir.op1(0x20, copier.local("icount"));
    ir.i64(BigInt(this.region.span));
    ir.op0(0x7c);
    ir.i32(0);
    ir.op2(0x29, 3, VCPU_BASE + LIMIT);
    ir.op0(0x56);
    ir.op0(0x72);
    ir.op1(0x04, 0x40);
    ir.cold();
    this.leave(node.delta, 0);
    ir.op0(0x0b);
  }

  // ---- state ------------------------------------------------------------------------------------------------------------
  private storeIp(delta: bigint, wrap = false): void {
    this.ir.i32(0);
    this.copier.plus("ip", delta);
    if (wrap) {
      this.ir.i64(0xffffffffn);
      this.ir.op0(0x83);
    }
    this.ir.op2(0x37, 3, VCPU_BASE + IP);
  }
  private storeCount(count: number): void {
    this.ir.i32(0);
    this.copier.plus("icount", BigInt(count));
    this.ir.op2(0x37, 3, VCPU_BASE + ICOUNT);
  }
  private dispatch(name: "dispatch" | "leaveStopped"): void {
    this.ir.i32(0);
    this.ir.op1(0x12, this.imports.functionOf(this.core.function(name)));
  }
  /** Stores the variables that may differ from the state here; which ones is known when the whole region is. */
  private spill(uses: Uses, only: number): void {
    const { dirty, clean } = uses;
    const { node, ir } = this;
    ir.later(() => this.store((dirty | (clean ? 0 : (this.dirtyIn.get(node) ?? 0))) & only));
  }
  private store(mask: number): void {
    const { ir, copier } = this;
    for (let v = 0; v < VARIABLES; v++) {
      if (!(mask & (1 << v))) continue;
      if (v < FLAG_OP) {
        ir.wByte(0x41);
        ir.wByte(0);
      }
      ir.wByte(0x20);
      ir.wLeb(copier.variable(v));
      if (v < FLAG_OP) {
        ir.wByte(0x37);
        ir.wByte(3);
        ir.wLeb(VCPU_BASE + v * 8);
      } else {
        ir.wByte(0x24);
        ir.wLeb(this.imports.globalOf(this.flag(v)));
      }
    }
  }
  private load(mask: number): void {
    const { ir, copier } = this;
    for (let v = 0; v < VARIABLES; v++) {
      if (!(mask & (1 << v))) continue;
      if (v < FLAG_OP) {
        ir.wByte(0x41);
        ir.wByte(0);
        ir.wByte(0x29);
        ir.wByte(3);
        ir.wLeb(VCPU_BASE + v * 8);
      } else {
        ir.wByte(0x23);
        ir.wLeb(this.imports.globalOf(this.flag(v)));
      }
      ir.wByte(0x21);
      ir.wLeb(copier.variable(v));
    }
  }
  private flag(v: number): number {
    return this.core.global(v === FLAG_OP ? "flagOp" : v === FLAG_A ? "flagA" : v === FLAG_B ? "flagB" : "");
  }
  private loadTlb(): void {
    const { ir, copier } = this;
    for (const name of ["tlb", "generation"] as const) {
      if (!copier.hasLocal(name)) continue;
      ir.wByte(0x23);
      ir.wLeb(this.imports.globalOf(this.core.global(name)));
      ir.wByte(0x21);
      ir.wLeb(copier.local(name));
    }
  }
  private prologue(): void {
    const { ir, copier } = this;
    // job.ts calls functions for no record to have them compiled.
    // A division by 0 is the shortest trap.
    for (const byte of [0x41, 1, 0x20, 0, 0x6e, 0x1a]) ir.wByte(byte);
    for (const [name, offset] of [
      ["ip", BLOCK_IP],
      ["icount", ICOUNT],
    ] as const) {
      ir.wByte(0x41);
      ir.wByte(0);
      ir.wByte(0x29);
      ir.wByte(3);
      ir.wLeb(VCPU_BASE + offset);
      ir.wByte(0x21);
      ir.wLeb(copier.local(name));
    }
    this.load(this.loads);
    this.loadTlb();
  }
  /** Which variables may be dirty where, and which must be loaded at the entry. */
  private flow(): void {
    const nodes = [...this.uses.keys()];
    const { region } = this;
    for (const node of nodes) this.touched |= (this.uses.get(node) as Uses).touched;
    const defined = new Map<Node, number>();
    for (const node of nodes) {
      this.dirtyIn.set(node, 0);
      defined.set(node, node === region.nodes[0] ? 0 : -1);
    }
    for (let changed = true; changed; ) {
      changed = false;
      for (const node of nodes) {
        const uses = this.uses.get(node) as Uses;
        const dirty = uses.clean ? uses.dirty : (this.dirtyIn.get(node) as number) | uses.dirty;
        const out = uses.clean ? -1 : (defined.get(node) as number) | uses.defined;
        for (const s of successors(node)) {
          const to = region.nodes[s] as Node;
          if (!this.uses.has(to)) continue;
          const d = (this.dirtyIn.get(to) as number) | dirty;
          const m = (defined.get(to) as number) & out;
          if (d !== this.dirtyIn.get(to) || m !== defined.get(to)) {
            this.dirtyIn.set(to, d);
            defined.set(to, m);
            changed = true;
          }
        }
      }
    }
    for (const end of [this.ends.bail, this.ends.leave]) {
      for (const { node, dirty } of end.sites) end.mask |= dirty | (this.dirtyIn.get(node) as number);
      for (const { node, defined: here } of end.sites) this.loads |= end.mask & ~((defined.get(node) as number) | here);
    }
    for (const node of nodes) this.loads |= ((this.uses.get(node) as Uses).exposed | (this.dirtyIn.get(node) as number)) & ~(defined.get(node) as number);
    this.loads &= (1 << VARIABLES) - 1;
  }
}
