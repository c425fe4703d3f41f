// Copies compiled functions of core into a region under construction (architecture 3: semantics are written once), evaluating what is known on
// the way: fields of the decoded record, the mode, kinds of lazy flags. General registers and flags, which core keeps in the state block and in
// globals, become locals ("variables"); the copy keeps track of which of them were written, so that they can be stored where something may look.

import { BLOCK_IP, CR0, CR4, EFLAGS, IP, JIT_BAILED, PREFIX_SLOW, REC_PREFIX, RECORD_SIZE, SEG_BASE, SEG_CHECK, VCPU_BASE, XCR0, ZERO_SLOT } from "../core/layout.ts";
import type { CoreFunctions, Tokens } from "./core-functions.ts";
import { I32, I64 } from "./emit.ts";
import { arity, compare64, fold1, fold32, fold64, identity } from "./fold.ts";
import type { Ir } from "./ir.ts";

/** Registers 0-15, then the lazy flags. */
export const VARIABLES = 19;
export const FLAG_OP = 16;
export const FLAG_A = 17;
export const FLAG_B = 18;
export const ALL_FLAGS = 7 << FLAG_OP;
/** Slot of `known` behind the variables: the guards that were passed (bits) and would be passed again. */
const PASSED = VARIABLES;
const GUARDS = ["sseGuard", "fpuGuard", "mmxAvailable", "avxGuard", "vexGuard"];
const variableType = (v: number) => (v === FLAG_OP ? I32 : I64);
/** State offsets that a promoted access must not reach by a computed address. */
const REGISTERS_END = ZERO_SLOT + 8;

/** Thrown when a function cannot be copied with registers in locals; the instruction is then copied the plain way. */
export class Unsupported extends Error {}

/** What happened to the variables in a block. Masks of variables. */
export interface Uses {
  /** Written and not yet stored since the block's start or since `clean`. */
  dirty: number;
  /** Certainly holding their value in the local since the block's start. */
  defined: number;
  /** Needed from before the block. */
  exposed: number;
  /** Something stored everything and may have changed everything: dirtiness from before the block is over. */
  clean: boolean;
  /** Loads behind such a point, one mask per point: what the block needs afterwards. */
  reloads: { mask: number }[];
  touched: number;
}
/** Where imports of the module under construction are. */
export interface Imports {
  functionOf(core: number): number;
  globalOf(core: number): number;
}
/** The place of an instruction. */
export interface Place {
  readonly record: number;
  readonly bytes: DataView;
  readonly block: number;
  /** RIP of the block's start and of the instruction's start and end, less RIP of the region's entry. */
  readonly blockDelta: bigint;
  readonly startDelta: bigint;
  readonly endDelta: bigint;
  /** Instructions of the block before it. */
  readonly before: number;
}
type Known = number | bigint | undefined;
interface Control {
  height: number;
  results: number;
  conditional: boolean;
  /** Opened as an `if`, whose else-arm is to be copied too. */
  arms: boolean;
  /** A branch goes to its end (of a loop: to its head). */
  targeted: boolean;
  variableLog: number;
  localLog: number;
}
const UNKNOWN = 0;
const CONST = 1;
/** An i32 address in the register part of the state, not known exactly. */
const REGISTER_ADDRESS = 2;

export class Copier {
  readonly types: number[] = [];
  uses: Uses = { dirty: 0, defined: 0, exposed: 0, clean: false, reloads: [], touched: 0 };
  known: Known[] = [];
  /** Flags that the next copy sets are overwritten before anything reads them. */
  flagsDead = false;
  /** ... and nothing else depends on the flags from before. */
  flagsUnread = false;
  /** The last copy called something that may have asked to stop behind the instruction. */
  mayStop = false;
  readonly variableLocals = new Int32Array(VARIABLES).fill(-1);
  private readonly core: CoreFunctions;
  private readonly ir: Ir;
  private readonly imports: Imports;
  private readonly fixed = new Map<string, number>();
  private readonly pools = new Map<number, number[]>();
  private readonly used = new Map<number, number>();
  // Abstract operand stack.
  private kinds: number[] = [];
  private values: Known[] = [];
  private irs: number[] = [];
  private control: Control[] = [];
  private variableLog: number[] = [];
  private localLog: { frame: Frame; local: number }[] = [];
  private place: Place | null = null;
  private promoted = true;
  private readonly g: { readonly [name: string]: number };
  private readonly guards: ReadonlyMap<number, number>;
  private readonly enterRecord: number;
  private readonly bailAt: number;
  private readonly flagBits: number;
  /** 2: 64-bit, 5: flat 32-bit; others know nothing about segments. */
  private readonly mode: number;
  private readonly spill: (copier: Copier, only: number) => void;

  constructor(core: CoreFunctions, ir: Ir, imports: Imports, mode: number, spill: (copier: Copier, only: number) => void) {
    this.core = core;
    this.ir = ir;
    this.imports = imports;
    this.mode = mode;
    this.spill = spill;
    const names = ["vcpu", "flagOp", "flagA", "flagB", "tlb", "generation", "currentRecord", "stackMask", "stackSegment", "codeSize", "codeBase", "stopSignal"];
    this.g = Object.fromEntries(names.map((n) => [n, core.global(n)]));
    this.guards = new Map(GUARDS.map((n, i) => [core.function(n), 1 << i]));
    this.enterRecord = core.function("enterRecord");
    this.bailAt = core.function("bailAt");
    this.flagBits = core.function("flagBits");
  }
  // ---- locals -----------------------------------------------------------------------------------------------------------
  private newLocal(type: number): number {
    this.types.push(type);
    return this.types.length; // parameter 0 comes first
  }
  /** A local of the region itself: count, entry RIP, TLB, generation, stop. */
  local(name: "icount" | "ip" | "tlb" | "generation" | "stop" | "target" | "entry"): number {
    let n = this.fixed.get(name);
    if (n === undefined) {
      n = this.newLocal(name === "tlb" || name === "stop" || name === "entry" ? I32 : I64);
      this.fixed.set(name, n);
    }
    return n;
  }
  hasLocal(name: "tlb" | "generation"): boolean {
    return this.fixed.has(name);
  }
  variable(v: number): number {
    let n = this.variableLocals[v] as number;
    if (n < 0) {
      n = this.newLocal(variableType(v));
      this.variableLocals[v] = n;
    }
    return n;
  }
  private temporary(type: number): number {
    const pool = this.pools.get(type) ?? [];
    this.pools.set(type, pool);
    const n = this.used.get(type) ?? 0;
    this.used.set(type, n + 1);
    if (n === pool.length) pool.push(this.newLocal(type));
    return pool[n] as number;
  }
  // ---- stack ------------------------------------------------------------------------------------------------------------
  private push(kind: number, value: Known, ir: number): void {
    this.kinds.push(kind);
    this.values.push(value);
    this.irs.push(ir);
  }
  private unknown(): void {
    this.push(UNKNOWN, undefined, -1);
  }
  private pop(): void {
    this.kinds.pop();
    this.values.pop();
    this.irs.pop();
  }
  private get height(): number {
    return this.kinds.length;
  }
  private kindAt(fromTop: number): number {
    return this.kinds[this.kinds.length - 1 - fromTop] ?? UNKNOWN;
  }
  private constAt(fromTop: number): Known {
    return this.kindAt(fromTop) === CONST ? this.values[this.values.length - 1 - fromTop] : undefined;
  }
  private irAt(fromTop: number): number {
    return this.irs[this.irs.length - 1 - fromTop] as number;
  }
  constant(v: number | bigint): void {
    this.push(CONST, v, typeof v === "number" ? this.ir.i32(v) : this.ir.i64(v));
  }
  /** Pops a constant and takes its instruction back. */
  private takeBack(): void {
    this.ir.drop(this.irAt(0));
    this.pop();
  }
  private discard(): void {
    if (this.constAt(0) !== undefined) this.takeBack();
    else {
      this.ir.op0(0x1a);
      this.pop();
    }
  }
  // ---- variables --------------------------------------------------------------------------------------------------------
  private need(v: number): void {
    const bit = 1 << v;
    const { uses } = this;
    uses.touched |= bit;
    if (uses.defined & bit) return;
    const last = uses.reloads[uses.reloads.length - 1];
    if (last) last.mask |= bit;
    else uses.exposed |= bit;
  }
  private get conditional(): boolean {
    for (const c of this.control) if (c.conditional) return true;
    return false;
  }
  get(v: number): void {
    const value = this.known[v];
    if (value !== undefined) {
      this.constant(value);
      return;
    }
    this.need(v);
    this.ir.op1(0x20, this.variable(v));
    this.unknown();
  }
  /** The top of the stack becomes the variable's value. */
  set(v: number): void {
    if (v >= FLAG_OP && this.flagsDead) {
      this.discard();
      return;
    }
    const bit = 1 << v;
    this.known[v] = this.constAt(0);
    if (this.conditional) {
      this.need(v);
      this.variableLog.push(v);
    } else if (this.control.length) {
      this.variableLog.push(v);
      this.uses.defined |= bit;
    } else this.uses.defined |= bit;
    this.uses.dirty |= bit;
    this.uses.touched |= bit;
    this.ir.op1(0x21, this.variable(v));
    this.pop();
  }
  // ---- calls ------------------------------------------------------------------------------------------------------------
  syncAt(place: Place): void {
    this.place = place;
    this.sync();
  }
  /** Everything is as if the interpreter were at this instruction. */
  private sync(): void {
    const p = this.place as Place;
    const { ir } = this;
    ir.i32(p.record);
    ir.i32(p.block);
    this.plus("ip", p.blockDelta);
    ir.op1(0x20, this.local("icount"));
    ir.op1(0x10, this.imports.functionOf(this.enterRecord));
  }
  /** Entry RIP or count, plus a constant, on the stack. */
  plus(name: "ip" | "icount", delta: bigint): void {
    this.ir.op1(0x20, this.local(name));
    if (delta === 0n) return;
    this.ir.i64(delta);
    this.ir.op0(0x7c);
  }
  /** The slow half of a memory access. It ends the region, because that takes the least code and leaves the most to the compiler behind it: nothing
   * lives across a call. True: so nothing follows. Instructions that come here often call core/region.ts and go on if the access was made. */
  private access(f: number): boolean {
    const { core, ir } = this;
    const p = this.place as Place;
    const signature = core.code.types[core.code.functionTypes[f] as number];
    this.spill(this, -1);
    ir.i32(p.record);
    this.plus("ip", p.startDelta);
    this.plus("icount", BigInt(p.before));
    const goesOn = (p.bytes.getUint8(REC_PREFIX) & PREFIX_SLOW) !== 0;
    ir.op1(goesOn ? 0x10 : 0x12, this.imports.functionOf(goesOn ? f : this.bailAt));
    // Its own arguments are the last three.
    for (let n = (signature?.params.length ?? 0) - 3; n > 0; n--) this.pop();
    if (signature?.results.length) this.unknown();
    if (!goesOn) return true;
    ir.i32(0);
    ir.op2(0x28, 2, JIT_BAILED);
    ir.op1(0x04, 0x40);
    ir.op0(0x0f);
    ir.op0(0x0b);
    return false;
  }
  private call(f: number, depth: number): boolean {
    const { core, ir } = this;
    const signature = core.code.types[core.code.functionTypes[f] as number];
    if (!signature) throw new Error(`translator: function ${f} has no type`);
    if (this.flagsDead && this.promoted && f === this.flagBits) {
      // Only merged into flags that nobody reads.
      this.constant(0);
      return false;
    }
    const access = this.promoted ? core.accesses.get(f) : undefined;
    if (access !== undefined) return this.access(access);
    const effects = core.effects(f);
    const t = core.tokens(f);
    const guard = this.guards.get(f);
    if (t && guard !== undefined && this.promoted) {
      // What a guard looks at changes by instructions that leave the region or store it (`store`).
      const passed = (this.known[PASSED] as number | undefined) ?? 0;
      if (passed & guard) for (let n = signature.params.length; n > 0; n--) this.discard();
      else {
        this.inline(f, t, depth + 1);
        if (!this.conditional) this.known[PASSED] = passed | guard;
      }
      return false;
    }
    if (t && this.promoted && depth < 6 && !core.neverReturn.has(f) && !core.isCold(f) && !(effects.noRegisters && effects.readsRecord)) {
      // Flag helpers fold to little when the kind of flags is known; what touches registers must be copied or not promoted at all; what may
      // fault is copied rather than called, because a call needs the whole state in place.
      const flags = effects.readsFlags || effects.writesFlags;
      const most = !effects.noRegisters ? 500 : flags ? (this.known[FLAG_OP] === undefined ? 200 : 500) : effects.reachesHost ? 200 : 80;
      if (t.count <= most) {
        this.inline(f, t, depth + 1);
        return false;
      }
    }
    if (this.promoted) {
      if (!effects.noRegisters && f >= core.code.importedFunctions) throw new Unsupported(`calls ${f}`);
      if (effects.reachesHost) {
        this.spill(this, -1);
        this.sync();
      } else if (effects.readsFlags) this.spill(this, ALL_FLAGS);
    }
    ir.op1(0x10, this.imports.functionOf(f));
    for (let n = signature.params.length; n > 0; n--) this.pop();
    if (signature.results.length) this.unknown();
    if (core.neverReturn.has(f)) {
      ir.op0(0x00);
      return true;
    }
    if (this.promoted) {
      if (effects.writesFlags)
        for (const [v, name] of [
          [FLAG_OP, "flagOp"],
          [FLAG_A, "flagA"],
          [FLAG_B, "flagB"],
        ] as const) {
          ir.op1(0x23, this.imports.globalOf(this.g[name] as number));
          this.unknown();
          this.set(v);
        }
      if (effects.stops) {
        ir.op1(0x23, this.imports.globalOf(this.g.stopSignal as number));
        ir.op1(0x21, this.local("stop"));
        this.mayStop = true;
      }
    }
    return false;
  }
  private inline(f: number, t: Tokens, depth: number): void {
    const body = this.core.code.bodies.get(f);
    const signature = this.core.code.types[body?.type ?? -1];
    if (!body || !signature) throw new Error(`translator: function ${f} has no body`);
    const before = new Map(this.used);
    const frame = new Frame(signature.params, body.locals);
    for (let n = signature.params.length - 1; n >= 0; n--) this.setLocal(frame, n, false);
    this.zero(frame, t);
    const result = signature.results[0];
    if (t.returns) {
      this.ir.op1(0x02, result ?? 0x40);
      this.open(result === undefined ? 0 : 1);
    }
    const height = this.height;
    this.run(t, frame, depth);
    if (t.returns) {
      this.close();
      this.ir.op0(0x0b);
    } else if (result !== undefined && this.height === height) this.unknown(); // ended by something that never returns
    this.finish(frame);
    this.used.clear();
    for (const [k, v] of before) this.used.set(k, v);
  }
  // ---- frames -----------------------------------------------------------------------------------------------------------
  private zero(frame: Frame, t: Tokens): void {
    for (const n of t.zeroed) {
      const type = frame.type(n);
      if (type === I32) this.constant(0);
      else if (type === I64) this.constant(0n);
      else {
        // f32.convert_i32_s, f64.convert_i32_s, i8x16.splat of 0.
        this.ir.i32(0);
        this.ir.op0(type === 0x7d ? 0xb2 : type === 0x7c ? 0xb7 : 0xfd0f);
        this.unknown();
      }
      this.setLocal(frame, n, false);
    }
  }
  private localOf(frame: Frame, n: number): number {
    let l = frame.locals[n] as number;
    if (l < 0) {
      l = this.temporary(frame.type(n));
      frame.locals[n] = l;
    }
    return l;
  }
  private setLocal(frame: Frame, n: number, tee: boolean): void {
    const value = this.constAt(0);
    frame.known[n] = value;
    frame.address[n] = this.kindAt(0) === REGISTER_ADDRESS ? 1 : 0;
    if (this.control.length) this.localLog.push({ frame, local: n });
    const constant = value === undefined ? -1 : this.irAt(0);
    const at = this.ir.op1(tee ? 0x22 : 0x21, this.localOf(frame, n));
    frame.sets.push(n, at, tee ? -2 : constant);
    if (tee) {
      // The value goes on: a constant stays foldable, with its own instruction in front.
      if (value !== undefined) {
        this.ir.drop(at);
        const set = this.ir.op1(0x21, this.localOf(frame, n));
        frame.sets.splice(frame.sets.length - 3, 3, n, set, constant);
        this.pop();
        this.constant(value);
      }
    } else this.pop();
  }
  /** Sets that nobody reads go. */
  private finish(frame: Frame): void {
    for (let i = 0; i < frame.sets.length; i += 3) {
      const n = frame.sets[i] as number;
      if (frame.gets[n]) continue;
      const at = frame.sets[i + 1] as number;
      const constant = frame.sets[i + 2] as number;
      if (constant === -2) this.ir.drop(at);
      else if (constant >= 0) {
        this.ir.drop(at);
        this.ir.drop(constant);
      } else this.ir.replace(at, 0x1a);
    }
  }
  // ---- structures -------------------------------------------------------------------------------------------------------
  private open(results: number, conditional = false, arms = false): void {
    this.control.push({ height: this.height, results, conditional, arms, targeted: false, variableLog: this.variableLog.length, localLog: this.localLog.length });
  }
  /** What was set inside is not known behind. */
  private forget(c: Control): void {
    for (let i = c.variableLog; i < this.variableLog.length; i++) this.known[this.variableLog[i] as number] = undefined;
    for (let i = c.localLog; i < this.localLog.length; i++) {
      const entry = this.localLog[i] as { frame: Frame; local: number };
      entry.frame.known[entry.local] = undefined;
    }
  }
  private close(): void {
    const c = this.control.pop() as Control;
    if (c.conditional) this.forget(c);
    while (this.height > c.height) this.pop();
    for (let n = 0; n < c.results; n++) this.unknown();
  }
  /** A branch leaves every structure up to `depth`: what follows in them is conditional. */
  private branched(depth: number): void {
    for (let i = 0; i < depth && i < this.control.length; i++) (this.control[this.control.length - 1 - i] as Control).conditional = true;
    const target = this.control[this.control.length - 1 - depth];
    if (target) target.conditional = target.targeted = true;
  }

  // ---- one function -----------------------------------------------------------------------------------------------------
  /** Copies the handler of the instruction at `place`. True: control can reach what follows. */
  handler(index: number, place: Place, promoted: boolean): void {
    const t = this.core.tokens(index);
    const body = this.core.code.bodies.get(index);
    if (!t || !body) throw new Unsupported(`function ${index}`);
    this.place = place;
    this.promoted = promoted;
    this.mayStop = false;
    this.used.clear();
    this.kinds = [];
    this.values = [];
    this.irs = [];
    this.control = [];
    this.variableLog = [];
    this.localLog = [];
    const frame = new Frame([I32], body.locals);
    frame.known[0] = place.record;
    this.zero(frame, t);
    if (t.returns) {
      this.ir.op1(0x02, 0x40);
      this.open(0);
    }
    this.run(t, frame, 0);
    if (t.returns) {
      this.close();
      this.ir.op0(0x0b);
    }
    this.finish(frame);
  }
  /** Copies a function without parameters that returns an i32 (a condition); the value is left on the stack: constant (returned) or not (null). */
  condition(index: number, place: Place): number | null {
    const t = this.core.tokens(index);
    if (!t) throw new Unsupported(`function ${index}`);
    this.place = place;
    this.promoted = true;
    this.mayStop = false;
    this.used.clear();
    this.kinds = [];
    this.values = [];
    this.irs = [];
    this.control = [];
    this.variableLog = [];
    this.localLog = [];
    this.inline(index, t, 0);
    const value = this.constAt(0);
    if (value === undefined) return null;
    this.takeBack();
    return value as number;
  }
  private run(t: Tokens, frame: Frame, depth: number): void {
    const { ir } = this;
    /** Token of the structure's opening, for each open structure of this function. */
    const opened: number[] = [];
    let i = 0;
    /** After a branch: on to the structure's else or end, or behind structures whose end nothing reaches either. */
    const skip = () => {
      for (;;) {
        const at = opened[opened.length - 1];
        if (at === undefined) {
          i = t.count - 1;
          return;
        }
        const c = this.control[this.control.length - 1] as Control;
        const otherwise = t.otherwise[at] as number;
        i = otherwise >= i && t.op[at] === 0x04 ? otherwise : (t.end[at] as number);
        if (c.arms || c.targeted || t.op[at] === 0x03) return;
        // A block, or the arm of an `if` whose condition was known.
        opened.pop();
        this.close();
        ir.op0(0x0b);
        ir.op0(0x00);
        i = (t.end[at] as number) + 1;
      }
    };
    for (; i < t.count; ) {
      const op = t.op[i] as number;
      const a = t.a[i] as number;
      if (op === 0x20) {
        this.getLocal(frame, a);
        i++;
        continue;
      }
      switch (op) {
        case 0x01:
          i++;
          continue;
        case 0x00:
          ir.op0(0x00);
          i++;
          skip();
          continue;
        case 0x02:
        case 0x03:
        case 0x04: {
          const results = a === 0x40 ? 0 : 1;
          if (op === 0x04) {
            const value = this.constAt(0);
            if (value !== undefined) {
              this.takeBack();
              const otherwise = t.otherwise[i] as number;
              if (value === 0 && otherwise < 0) {
                i = (t.end[i] as number) + 1;
                continue;
              }
              ir.op1(0x02, a);
              this.open(results);
              opened.push(i);
              i = value === 0 ? otherwise + 1 : i + 1;
              continue;
            }
            this.pop();
          }
          ir.op1(op, a);
          this.open(results, op !== 0x02, op === 0x04);
          if (op === 0x03) {
            for (const n of t.assigned.get(i) ?? []) frame.known[n] = undefined;
            this.known = [];
          }
          opened.push(i);
          i++;
          continue;
        }
        case 0x05: {
          // The then-arm is done. When the condition was known the else-arm is not copied.
          const at = opened[opened.length - 1] as number;
          const c = this.control[this.control.length - 1] as Control;
          if (!c.arms) {
            i = t.end[at] as number;
            continue;
          }
          ir.op0(0x05);
          this.forget(c);
          while (this.height > c.height) this.pop();
          i++;
          continue;
        }
        case 0x0b:
          if (opened.length === 0) {
            i++;
            continue;
          }
          opened.pop();
          this.close();
          ir.op0(0x0b);
          i++;
          continue;
        case 0x0c:
          this.branch(a, opened.length);
          i++;
          skip();
          continue;
        case 0x0d: {
          const value = this.constAt(0);
          if (value !== undefined) {
            this.takeBack();
            if (value !== 0) {
              this.branch(a, opened.length);
              i++;
              skip();
            } else i++;
            continue;
          }
          this.pop();
          const target = Math.min(a, opened.length);
          if (a >= opened.length && !t.returns) throw new Unsupported("branch out of a function");
          ir.op1(0x0d, a);
          this.branched(target);
          // A value carried by the branch stays, but its constant must stay too.
          if (this.height && this.constAt(0) !== undefined) this.kinds[this.kinds.length - 1] = UNKNOWN;
          i++;
          continue;
        }
        case 0x0e: {
          const labels = t.tables.get(i) as readonly number[];
          const value = this.constAt(0);
          if (typeof value === "number") {
            this.takeBack();
            this.branch(labels[Math.min(value >>> 0, labels.length - 1)] as number, opened.length);
          } else {
            this.pop();
            if (!t.returns && labels.some((l) => l >= opened.length)) throw new Unsupported("branch out of a function");
            ir.raw(t.start[i] as number, t.stop[i] as number);
            for (const l of labels) this.branched(Math.min(l, opened.length));
          }
          i++;
          skip();
          continue;
        }
        case 0x0f:
          this.branch(opened.length, opened.length);
          i++;
          skip();
          continue;
        case 0x10:
          if (this.call(a, depth)) {
            i++;
            skip();
          } else i++;
          continue;
        case 0x13:
          if (i !== t.count - 2) throw new Unsupported("a second chain");
          this.discard();
          this.discard();
          i++;
          continue;
        case 0x11:
          throw new Unsupported("call_indirect");
        case 0x1a:
          this.discard();
          i++;
          continue;
        case 0x1b: {
          ir.op0(0x1b);
          this.pop();
          this.pop();
          this.pop();
          this.unknown();
          i++;
          continue;
        }
        case 0x21:
        case 0x22:
          this.setLocal(frame, a, op === 0x22);
          i++;
          continue;
        case 0x23:
          this.getGlobal(a);
          i++;
          continue;
        case 0x24:
          this.setGlobal(a);
          i++;
          continue;
        case 0x41:
          this.constant(a);
          i++;
          continue;
        case 0x42:
          this.constant(t.wide.get(i) as bigint);
          i++;
          continue;
        case 0x43:
        case 0x44:
          ir.raw(t.start[i] as number, t.stop[i] as number);
          this.unknown();
          i++;
          continue;
      }
      if (op >= 0x28 && op <= 0x35) this.load(t, i);
      else if (op >= 0x36 && op <= 0x3e) this.store(t, i);
      else this.plain(t, i);
      i++;
    }
  }
  private branch(label: number, open: number): void {
    this.ir.op1(0x0c, label);
    this.branched(Math.min(label, open));
  }
  private getLocal(frame: Frame, n: number): void {
    const value = frame.known[n];
    if (value !== undefined) {
      this.constant(value);
      return;
    }
    frame.gets[n] = 1;
    this.ir.op1(0x20, this.localOf(frame, n));
    this.push(frame.address[n] ? REGISTER_ADDRESS : UNKNOWN, undefined, -1);
  }
  private getGlobal(global: number): void {
    const { g } = this;
    switch (global) {
      case g.vcpu:
        this.constant(VCPU_BASE);
        return;
      case g.flagOp:
      case g.flagA:
      case g.flagB:
        if (!this.promoted) break;
        if (this.flagsUnread) {
          this.constant(global === g.flagOp ? 0 : 0n);
          return;
        }
        this.get(global === g.flagOp ? FLAG_OP : global === g.flagA ? FLAG_A : FLAG_B);
        return;
      case g.tlb:
      case g.generation:
        if (!this.promoted) break;
        this.ir.op1(0x20, this.local(global === g.tlb ? "tlb" : "generation"));
        this.unknown();
        return;
      case g.codeSize:
        this.constant(this.mode & 3);
        return;
      case g.codeBase:
        if (this.mode !== 2 && this.mode !== 5) break;
        this.constant(0n);
        return;
      case g.stackMask:
        if (this.mode !== 2 && this.mode !== 5) break;
        this.constant(this.mode === 2 ? -1n : 0xffffffffn);
        return;
      case g.stackSegment:
        if (this.mode !== 2 && this.mode !== 5) break;
        this.constant(this.mode === 2 ? 9 : 2);
        return;
      case g.currentRecord:
        if (this.promoted) throw new Unsupported("looks at the running record");
        break;
    }
    this.ir.op1(0x23, this.imports.globalOf(global));
    this.unknown();
  }
  private setGlobal(global: number): void {
    const { g } = this;
    if (global === g.currentRecord) {
      this.discard();
      return;
    }
    if (this.promoted) {
      if (global === g.flagOp) return this.set(FLAG_OP);
      if (global === g.flagA) return this.set(FLAG_A);
      if (global === g.flagB) return this.set(FLAG_B);
    }
    this.ir.op1(0x24, this.imports.globalOf(global));
    this.pop();
  }

  // ---- memory -----------------------------------------------------------------------------------------------------------
  private load(t: Tokens, i: number): void {
    const op = t.op[i] as number;
    const address = this.constAt(0);
    if (typeof address === "number") {
      const at = address + (t.b[i] as number);
      const place = this.place as Place;
      const inRecord = at - place.record;
      if (inRecord >= 0 && inRecord < RECORD_SIZE) {
        const value = constantOf(op, place.bytes, inRecord);
        if (value === null) throw new Unsupported("an odd load of the record");
        this.takeBack();
        this.constant(value);
        return;
      }
      // The next record's handler: an argument of the chain, which is dropped.
      if (inRecord === RECORD_SIZE) {
        this.takeBack();
        this.constant(0);
        return;
      }
      const offset = at - VCPU_BASE;
      if (offset >= 0 && offset < 0x4000 && this.loadState(op, offset)) return;
    } else if (this.promoted && this.kindAt(0) === REGISTER_ADDRESS && (t.b[i] as number) < REGISTERS_END) throw new Unsupported("a register by number");
    this.ir.raw(t.start[i] as number, t.stop[i] as number);
    this.pop();
    this.unknown();
  }
  /** A load from a known place of the state: true when it was handled. */
  private loadState(op: number, offset: number): boolean {
    if (offset < 128) {
      if (!this.promoted) return false;
      this.takeBack();
      this.loadRegister(op, offset);
      return true;
    }
    if (offset < ZERO_SLOT + 8) {
      this.takeBack();
      this.constant(op === 0x29 || op >= 0x30 ? 0n : 0);
      return true;
    }
    const place = this.place as Place;
    if ((offset === BLOCK_IP || (offset === IP && this.promoted)) && op === 0x29) {
      // In the plain form the state's own values are right too: sync() stored them.
      if (!this.promoted) return false;
      this.takeBack();
      this.plus("ip", offset === IP ? place.endDelta : place.blockDelta);
      this.unknown();
      return true;
    }
    const flat = this.mode === 5;
    if (op === 0x2d && offset >= SEG_CHECK && offset < SEG_CHECK + 10) {
      const s = offset - SEG_CHECK;
      let check: number | null = null;
      if (this.mode === 2 && (s < 6 || s > 7)) check = 0;
      else if (flat && s < 4) check = s === 1 ? 2 : 0;
      if (check === null) return false;
      this.takeBack();
      this.constant(check);
      return true;
    }
    if (op === 0x29 && offset >= SEG_BASE && offset < SEG_BASE + 80) {
      const s = (offset - SEG_BASE) >> 3;
      if (!((this.mode === 2 && s > 7) || (flat && s < 4))) return false;
      this.takeBack();
      this.constant(0n);
      return true;
    }
    return false;
  }
  private loadRegister(op: number, offset: number): void {
    const { ir } = this;
    const width = LOAD_BITS.get(op);
    const shift = (offset & 7) * 8;
    if (width === undefined || shift + width > 64) throw new Unsupported("an odd register load");
    const register = offset >> 3;
    const known = this.known[register];
    const signed = op === 0x2c || op === 0x2e || op === 0x30 || op === 0x32 || op === 0x34;
    const wide = op === 0x29 || op >= 0x30;
    if (typeof known === "bigint") {
      const part = BigInt.asUintN(64, known) >> BigInt(shift);
      const v = signed || width === 64 ? BigInt.asIntN(width, part) : BigInt.asUintN(width, part);
      this.constant(wide ? BigInt.asIntN(64, v) : Number(BigInt.asIntN(32, v)));
      return;
    }
    this.get(register);
    if (shift) {
      ir.i64(BigInt(shift));
      ir.op0(0x88);
    }
    if (!wide) {
      ir.op0(0xa7);
      if (width < 32) {
        if (signed) ir.op0(width === 8 ? 0xc0 : 0xc1);
        else {
          ir.i32(width === 8 ? 255 : 65535);
          ir.op0(0x71);
        }
      }
    } else if (width < 64) {
      if (signed) ir.op0(width === 8 ? 0xc2 : width === 16 ? 0xc3 : 0xc4);
      else {
        ir.i64((1n << BigInt(width)) - 1n);
        ir.op0(0x83);
      }
    }
  }
  private store(t: Tokens, i: number): void {
    const op = t.op[i] as number;
    const address = this.constAt(1);
    if (typeof address === "number" && this.promoted) {
      const offset = address + (t.b[i] as number) - VCPU_BASE;
      if (offset >= 0 && offset < 128) {
        this.storeRegister(op, offset);
        return;
      }
      if (offset === CR0 || offset === CR4 || offset === XCR0 || offset === EFLAGS) this.known[PASSED] = undefined;
    } else if (this.promoted && this.kindAt(1) === REGISTER_ADDRESS && (t.b[i] as number) < REGISTERS_END) throw new Unsupported("a register by number");
    this.ir.raw(t.start[i] as number, t.stop[i] as number);
    this.pop();
    this.pop();
  }
  private storeRegister(op: number, offset: number): void {
    const { ir } = this;
    const width = STORE_BITS.get(op);
    const shift = (offset & 7) * 8;
    if (width === undefined || shift + width > 64) throw new Unsupported("an odd register store");
    const register = offset >> 3;
    // The address below the value is taken back.
    const below = this.kinds.length - 2;
    ir.drop(this.irs[below] as number);
    this.kinds.splice(below, 1);
    this.values.splice(below, 1);
    this.irs.splice(below, 1);
    if (width === 64) {
      this.set(register);
      return;
    }
    const narrow = op === 0x36 || op === 0x3a || op === 0x3b;
    const mask = (1n << BigInt(width)) - 1n;
    const value = this.constAt(0);
    if (value !== undefined) {
      this.takeBack();
      ir.i64(BigInt.asIntN(64, (BigInt(value) & mask) << BigInt(shift)));
    } else {
      this.pop();
      if (narrow) ir.op0(0xad);
      if (!(narrow && width === 32)) {
        ir.i64(mask);
        ir.op0(0x83);
      }
      if (shift) {
        ir.i64(BigInt(shift));
        ir.op0(0x86);
      }
    }
    // The rest of the register stays.
    this.need(register);
    const known = this.known[register];
    if (typeof known === "bigint") ir.i64(BigInt.asIntN(64, known & ~(mask << BigInt(shift))));
    else {
      ir.op1(0x20, this.variable(register));
      ir.i64(BigInt.asIntN(64, ~(mask << BigInt(shift))));
      ir.op0(0x83);
    }
    ir.op0(0x84);
    this.unknown();
    this.set(register);
  }

  // ---- the rest ---------------------------------------------------------------------------------------------------------
  private plain(t: Tokens, i: number): void {
    const { ir } = this;
    const op = t.op[i] as number;
    const effect = arity(op);
    if (!effect) throw new Unsupported(`instruction ${op.toString(16)}`);
    if (effect.take === 1) {
      const v = this.constAt(0);
      const folded = v === undefined ? null : fold1(op, v);
      if (folded) {
        this.takeBack();
        this.constant(folded.value);
        return;
      }
      const vectorAccess = op >= 0xfd00 && (op <= 0xfd0a || op === 0xfd5c || op === 0xfd5d);
      if (vectorAccess && this.promoted && this.kindAt(0) === REGISTER_ADDRESS && (t.b[i] as number) < REGISTERS_END) throw new Unsupported("a register by number");
    } else if (effect.take === 2) {
      const y = this.constAt(0);
      const x = this.constAt(1);
      if (x !== undefined && y !== undefined) {
        let value: number | bigint | null = null;
        if (typeof x === "number" && typeof y === "number") value = fold32(op, x, y);
        else if (typeof x === "bigint" && typeof y === "bigint") value = compare64(op, x, y) ?? fold64(op, x, y);
        if (value !== null) {
          this.takeBack();
          this.takeBack();
          this.constant(value);
          return;
        }
      }
      if (y !== undefined && identity(op, y, false)) {
        this.takeBack();
        return;
      }
      if (x !== undefined && identity(op, x, true)) {
        const below = this.kinds.length - 2;
        ir.drop(this.irs[below] as number);
        this.kinds.splice(below, 1);
        this.values.splice(below, 1);
        this.irs.splice(below, 1);
        return;
      }
      if (op === 0x6a) {
        const near = (v: Known) => typeof v === "number" && v >= VCPU_BASE && v < VCPU_BASE + REGISTERS_END;
        const address = near(x) || near(y) || this.kindAt(0) === REGISTER_ADDRESS || this.kindAt(1) === REGISTER_ADDRESS;
        ir.op0(op);
        this.pop();
        this.pop();
        this.push(address ? REGISTER_ADDRESS : UNKNOWN, undefined, -1);
        return;
      }
      // (x << 32) >>> 32: a truncation.
      if (op === 0x88 && y === 32n) {
        const c = this.irAt(0);
        if (ir.count - 1 === c && ir.opAt(c - 1) === 0x86 && ir.opAt(c - 2) === 0x42 && ir.wideAt(c - 2) === 32n) {
          ir.drop(c);
          ir.drop(c - 1);
          ir.drop(c - 2);
          ir.op0(0xa7);
          ir.op0(0xad);
          this.pop();
          return;
        }
      }
      const vectorStore = op === 0xfd0b || (op >= 0xfd54 && op <= 0xfd5b);
      if (vectorStore && this.promoted && this.kindAt(1) === REGISTER_ADDRESS && (t.b[i] as number) < REGISTERS_END) throw new Unsupported("a register by number");
    }
    ir.raw(t.start[i] as number, t.stop[i] as number);
    for (let n = effect.take; n > 0; n--) this.pop();
    if (effect.leave) this.unknown();
  }
}
/** Bits that integer loads and stores move. */
const LOAD_BITS = new Map([
  [0x28, 32],
  [0x29, 64],
  [0x2c, 8],
  [0x2d, 8],
  [0x2e, 16],
  [0x2f, 16],
  [0x30, 8],
  [0x31, 8],
  [0x32, 16],
  [0x33, 16],
  [0x34, 32],
  [0x35, 32],
]);
const STORE_BITS = new Map([
  [0x36, 32],
  [0x37, 64],
  [0x3a, 8],
  [0x3b, 16],
  [0x3c, 8],
  [0x3d, 16],
  [0x3e, 32],
]);

function constantOf(op: number, r: DataView, at: number): number | bigint | null {
  const width = LOAD_BITS.get(op);
  if (width === undefined || at + width / 8 > RECORD_SIZE) return null;
  switch (op) {
    case 0x28:
      return r.getInt32(at, true);
    case 0x29:
      return r.getBigInt64(at, true);
    case 0x2c:
      return r.getInt8(at);
    case 0x2d:
      return r.getUint8(at);
    case 0x2e:
      return r.getInt16(at, true);
    case 0x2f:
      return r.getUint16(at, true);
    case 0x30:
      return BigInt(r.getInt8(at));
    case 0x31:
      return BigInt(r.getUint8(at));
    case 0x32:
      return BigInt(r.getInt16(at, true));
    case 0x33:
      return BigInt(r.getUint16(at, true));
    case 0x34:
      return BigInt(r.getInt32(at, true));
    default:
      return BigInt(r.getUint32(at, true));
  }
}

/** Locals of one function being copied. */
class Frame {
  readonly locals: Int32Array;
  readonly known: Known[] = [];
  readonly address: Uint8Array;
  readonly gets: Uint8Array;
  /** Triples: local, instruction of the set, instruction of its constant (-1 none, -2 a tee). */
  readonly sets: number[] = [];
  private readonly params: readonly number[];
  private readonly rest: readonly number[];
  constructor(params: readonly number[], rest: readonly number[]) {
    this.params = params;
    this.rest = rest;
    const n = params.length + rest.length;
    this.locals = new Int32Array(n).fill(-1);
    this.address = new Uint8Array(n);
    this.gets = new Uint8Array(n);
  }
  type(n: number): number {
    return (n < this.params.length ? this.params[n] : this.rest[n - this.params.length]) as number;
  }
}
