// Copies compiled functions of core into a region under construction (architecture 3: semantics are written once), evaluating what is known on
// the way: fields of the decoded record, the mode, kinds of lazy flags. General registers and flags, which core keeps in the state block and in
// globals, become locals ("variables"); the copy keeps track of which of them were written, so that they can be stored where something may look.

import { BLOCK_IP, CR0, CR4, EFLAGS, IP, JIT_BAILED, PREFIX_SLOW, REC_PREFIX, RECORD_SIZE, SEG_BASE, SEG_CHECK, TLB_READ, TLB_WRITE, VCPU_BASE, XCR0, ZERO_SLOT } from "../core/layout.ts";
import type { CoreFunctions, Tokens } from "./core-functions.ts";
import { I32, I64 } from "./emit.ts";
import { compare64, fold1, fold32, fold64, identity } from "./fold.ts";
import { type Frame, Frames } from "./frame.ts";
import type { Ir } from "./ir.ts";
import { codeSizeOf, isFlat, isFlat32, NARROW, WIDE } from "./region.ts";
import { type Known, REGISTER_ADDRESS, Stack, UNKNOWN } from "./stack.ts";

/** Registers 0-15, then the lazy flags. */
export const VARIABLES = 19;
export const FLAG_OP = 16;
export const FLAG_A = 17;
export const FLAG_B = 18;
export const ALL_FLAGS = 7 << FLAG_OP;
/** Slot of `known` behind the variables: the guards that were passed (bits) and would be passed again. */
const PASSED = VARIABLES;
const ONE_I32 = [I32];
const GUARDS = ["sseGuard", "fpuGuard", "mmxAvailable", "avxGuard", "vexGuard"];
const variableType = (v: number) => (v === FLAG_OP ? I32 : I64);
/** The lowest code of a value type; the others follow it. */
const V128 = 0x7b;
/** Bytes between a region's entry and an instruction that bailFrom() can take. */
const MOST_DISTANCE = 1n << 19n;
/** State offsets that a promoted access must not reach by a computed address. */
const REGISTERS_END = ZERO_SLOT + 8;

/** Thrown when a function cannot be copied with registers in locals; the instruction is then copied the plain way. One object: it is thrown often, and
 * nobody looks where. */
export const UNSUPPORTED = new Error("");
function unsupported(reason: string): Error {
  UNSUPPORTED.message = reason;
  return UNSUPPORTED;
}

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
export class Copier {
  readonly types: number[] = [];
  uses: Uses = { dirty: 0, defined: 0, exposed: 0, clean: false, reloads: [], touched: 0 };
  known: Known[] = [];
  /** Flags that the next copy sets are overwritten before anything reads them. */
  flagsDead = false;
  /** ... and nothing else depends on the flags from before. */
  flagsUnread = false;
  /** The copy at hand changed something: its instruction cannot be left to the interpreter any more. */
  private changed = false;
  /** The last copy stored RIP, whichever way control took. */
  storesIp = false;
  /** The last copy called something that may have asked to stop behind the instruction. */
  mayStop = false;
  readonly variableLocals = new Int32Array(VARIABLES).fill(-1);
  private readonly core: CoreFunctions;
  private readonly ir: Ir;
  private readonly imports: Imports;
  private readonly fixed = new Map<string, number>();
  /** Temporaries by type less V128, and how many of them are in use. */
  private readonly pools: readonly number[][] = [[], [], [], [], []];
  private readonly used = [0, 0, 0, 0, 0];
  /** Token of the structure's opening, for each open structure of the functions being copied. */
  private readonly opened: number[] = [];
  private readonly stack: Stack;
  private readonly frames = new Frames();
  private readonly control: Control[] = [];
  private readonly variableLog: number[] = [];
  /** Pairs: frame and local. */
  private readonly loggedFrames: Frame[] = [];
  private readonly loggedLocals: number[] = [];
  private place: Place | null = null;
  private promoted = true;
  private readonly g: { readonly [name: string]: number };
  private readonly guards: ReadonlyMap<number, number>;
  private readonly enterRecord: number;
  private readonly bailAt: number;
  /** Plans the shared end of accesses; false: here one of its own is needed. */
  private readonly bails: (copier: Copier) => boolean;
  private readonly flagBits: number;
  /** Of the region's blocks; those that are not flat know nothing about segments. */
  private readonly mode: number;
  private readonly spill: (copier: Copier, only: number) => void;

  constructor(core: CoreFunctions, ir: Ir, imports: Imports, mode: number, spill: (copier: Copier, only: number) => void, bails: (copier: Copier) => boolean) {
    this.core = core;
    this.ir = ir;
    this.stack = new Stack(ir);
    this.imports = imports;
    this.mode = mode;
    this.spill = spill;
    this.bails = bails;
    const names = ["flagOp", "flagA", "flagB", "tlb", "generation", "currentRecord", "stackMask", "stackSegment", "codeSize", "codeBase", "stopSignal", "faultVector", "faultHasCode", "faultCode"];
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
    const pool = this.pools[type - V128] as number[];
    const n = this.used[type - V128] as number;
    this.used[type - V128] = n + 1;
    if (n === pool.length) pool.push(this.newLocal(type));
    return pool[n] as number;
  }
  // ---- stack ------------------------------------------------------------------------------------------------------------
  private discard(): void {
    if (this.stack.constAt(0) !== undefined) this.stack.takeBack();
    else {
      this.ir.op0(0x1a);
      this.stack.pop();
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
      this.stack.constant(value);
      return;
    }
    this.need(v);
    this.ir.op1(0x20, this.variable(v));
    this.stack.unknown();
  }
  /** The top of the stack becomes the variable's value. */
  set(v: number): void {
    if (v >= FLAG_OP && this.flagsDead) {
      this.discard();
      return;
    }
    this.changed = true;
    const bit = 1 << v;
    this.known[v] = this.stack.constAt(0);
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
    this.stack.pop();
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
    const goesOn = (p.bytes.getUint8(REC_PREFIX) & PREFIX_SLOW) !== 0;
    ir.cold();
    if (goesOn || !this.bail(p)) {
      this.spill(this, -1);
      ir.i32(p.record);
      this.plus("ip", p.startDelta);
      this.plus("icount", BigInt(p.before));
      ir.op1(goesOn ? 0x10 : 0x12, this.imports.functionOf(goesOn ? f : this.bailAt));
    }
    // Its own arguments are the last three.
    for (let n = (signature?.params.length ?? 0) - 3; n > 0; n--) this.stack.pop();
    if (signature?.results.length) this.stack.unknown();
    if (!goesOn) return true;
    ir.i32(0);
    ir.op2(0x28, 2, JIT_BAILED);
    ir.op1(0x04, 0x40);
    ir.cold();
    ir.op0(0x0f);
    ir.op0(0x0b);
    return false;
  }
  /** The region ends before the instruction, which the interpreter executes: by the shared end, to which a branch with the instruction's site leads. */
  private bail(p: Place): boolean {
    if (p.startDelta < -MOST_DISTANCE || p.startDelta >= MOST_DISTANCE || !this.bails(this)) return false;
    this.ir.cold();
    // bailFrom() takes it apart.
    this.ir.i64(BigInt.asIntN(64, BigInt(p.record) | (BigInt(p.before) << 32n) | (p.startDelta << 44n)));
    this.ir.outer("bail");
    return true;
  }
  /** A fault that is seldom raised: the interpreter raises it, as long as the instruction has changed nothing. */
  raises(place: Place): boolean {
    return !this.changed && this.bail(place);
  }
  /** The same where core's compiler put raise() or raiseCode() in line: constants stored as the fault's vector and code, then the unwinding. */
  private unwinds(): boolean {
    const { ir } = this;
    let first = ir.count;
    for (const global of [this.g.faultCode, this.g.faultHasCode, this.g.faultVector]) {
      const set = ir.before(first);
      const value = ir.before(set);
      if (ir.opAt(set) !== 0x24 || ir.immediateAt(set) !== this.imports.globalOf(global as number) || ir.opAt(value) !== 0x41) return false;
      first = value;
    }
    const { count } = ir;
    if (!this.raises(this.place as Place)) return false;
    for (let n = first; n < count; n++) ir.drop(n);
    return true;
  }
  private call(f: number, depth: number): boolean {
    const { core, ir } = this;
    const signature = core.code.types[core.code.functionTypes[f] as number];
    if (!signature) throw new Error(`translator: function ${f} has no type`);
    if (this.promoted && core.neverReturn.has(f) && (f < core.code.importedFunctions ? this.unwinds() : this.raises(this.place as Place))) {
      // The branch leaves its arguments behind; those that are constants need not be pushed.
      for (let n = signature.params.length; n > 0; n--) {
        if (this.stack.constAt(0) === undefined) this.stack.pop();
        else this.stack.takeBack();
      }
      return true;
    }
    if (this.flagsDead && this.promoted && f === this.flagBits) {
      // Only merged into flags that nobody reads.
      this.stack.constant(0);
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
      if (!effects.noRegisters && f >= core.code.importedFunctions) throw unsupported(`calls ${f}`);
      if (effects.reachesHost || effects.readsRecord) {
        this.spill(this, -1);
        this.sync();
      } else if (effects.readsFlags) this.spill(this, ALL_FLAGS);
    }
    this.changed = true;
    if (core.neverReturn.has(f)) ir.cold();
    ir.op1(0x10, this.imports.functionOf(f));
    for (let n = signature.params.length; n > 0; n--) this.stack.pop();
    if (signature.results.length) this.stack.unknown();
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
          this.stack.unknown();
          this.set(v);
        }
      if (effects.movesTlb) this.reloadTlb();
      if (effects.stops) {
        ir.op1(0x23, this.imports.globalOf(this.g.stopSignal as number));
        ir.op1(0x21, this.local("stop"));
        this.mayStop = true;
      }
    }
    return false;
  }
  private reloadTlb(): void {
    for (const name of ["tlb", "generation"] as const) {
      this.ir.op1(0x23, this.imports.globalOf(this.g[name] as number));
      this.ir.op1(0x21, this.local(name));
    }
  }
  private inline(f: number, t: Tokens, depth: number): void {
    const body = this.core.code.bodies.get(f);
    const signature = this.core.code.types[body?.type ?? -1];
    if (!body || !signature) throw new Error(`translator: function ${f} has no body`);
    const { used } = this;
    const [v128, f64, f32, i64, i32] = used as [number, number, number, number, number];
    const logged = this.loggedFrames.length;
    const frame = this.frames.open(signature.params, body.locals);
    for (let n = signature.params.length - 1; n >= 0; n--) this.setLocal(frame, n, false);
    this.zero(frame, t);
    const result = signature.results[0];
    if (t.returns) {
      this.ir.op1(0x02, result ?? 0x40);
      this.open(result === undefined ? 0 : 1);
    }
    const height = this.stack.height;
    this.run(t, frame, depth);
    if (t.returns) {
      this.close();
      this.ir.op0(0x0b);
    } else if (result !== undefined && this.stack.height === height) this.stack.unknown(); // ended by something that never returns
    this.finish(frame);
    this.frames.close();
    // Its locals are over: nobody forgets them any more.
    this.loggedFrames.length = this.loggedLocals.length = logged;
    used[0] = v128;
    used[1] = f64;
    used[2] = f32;
    used[3] = i64;
    used[4] = i32;
  }
  // ---- frames -----------------------------------------------------------------------------------------------------------
  private zero(frame: Frame, t: Tokens): void {
    for (const n of t.zeroed) {
      const type = frame.type(n);
      if (type === I32) this.stack.constant(0);
      else if (type === I64) this.stack.constant(0n);
      else {
        // f32.convert_i32_s, f64.convert_i32_s, i8x16.splat of 0.
        this.ir.i32(0);
        this.ir.op0(type === 0x7d ? 0xb2 : type === 0x7c ? 0xb7 : 0xfd0f);
        this.stack.unknown();
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
    const value = this.stack.constAt(0);
    frame.known[n] = value;
    frame.address[n] = this.stack.kindAt(0) === REGISTER_ADDRESS ? 1 : 0;
    if (this.control.length) {
      this.loggedFrames.push(frame);
      this.loggedLocals.push(n);
    }
    const constant = value === undefined ? -1 : this.stack.irAt(0);
    const at = this.ir.op1(tee ? 0x22 : 0x21, this.localOf(frame, n));
    frame.sets.push(n, at, tee ? -2 : constant);
    if (tee) {
      // The value goes on: a constant stays foldable, with its own instruction in front.
      if (value !== undefined) {
        this.ir.drop(at);
        const set = this.ir.op1(0x21, this.localOf(frame, n));
        const { sets } = frame;
        sets[sets.length - 2] = set;
        sets[sets.length - 1] = constant;
        this.stack.pop();
        this.stack.constant(value);
      }
    } else this.stack.pop();
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
    this.control.push({ height: this.stack.height, results, conditional, arms, targeted: false, variableLog: this.variableLog.length, localLog: this.loggedFrames.length });
  }
  /** What was set inside is not known behind. */
  private forget(c: Control): void {
    for (let i = c.variableLog; i < this.variableLog.length; i++) this.known[this.variableLog[i] as number] = undefined;
    for (let i = c.localLog; i < this.loggedFrames.length; i++) (this.loggedFrames[i] as Frame).known[this.loggedLocals[i] as number] = undefined;
  }
  private close(): void {
    const c = this.control.pop() as Control;
    if (c.conditional) this.forget(c);
    while (this.stack.height > c.height) this.stack.pop();
    for (let n = 0; n < c.results; n++) this.stack.unknown();
  }
  /** A branch leaves every structure up to `depth`: what follows in them is conditional. */
  private branched(depth: number): void {
    for (let i = 0; i < depth && i < this.control.length; i++) (this.control[this.control.length - 1 - i] as Control).conditional = true;
    const target = this.control[this.control.length - 1 - depth];
    if (target) target.conditional = target.targeted = true;
  }

  private begin(): void {
    this.used.fill(0);
    this.stack.height = 0;
    this.frames.clear();
    this.control.length = this.variableLog.length = this.loggedFrames.length = this.loggedLocals.length = this.opened.length = 0;
  }
  // ---- one function -----------------------------------------------------------------------------------------------------
  /** Copies the handler of the instruction at `place`. True: control can reach what follows. */
  handler(index: number, place: Place, promoted: boolean): void {
    const t = this.core.tokens(index);
    const body = this.core.code.bodies.get(index);
    if (!t || !body) throw unsupported(`function ${index}`);
    this.place = place;
    this.promoted = promoted;
    this.mayStop = this.changed = this.storesIp = false;
    this.begin();
    const frame = this.frames.open(ONE_I32, body.locals);
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
    if (!t) throw unsupported(`function ${index}`);
    this.place = place;
    this.promoted = true;
    this.mayStop = this.changed = this.storesIp = false;
    this.begin();
    this.inline(index, t, 0);
    const value = this.stack.constAt(0);
    if (value === undefined) return null;
    this.stack.takeBack();
    return value as number;
  }
  /** After a branch at token `i`: on to the structure's else or end, or behind structures whose end nothing reaches either. */
  private skip(t: Tokens, from: number, base: number): number {
    const { opened } = this;
    let i = from;
    for (;;) {
      if (opened.length === base) return t.count - 1;
      const at = opened[opened.length - 1] as number;
      const c = this.control[this.control.length - 1] as Control;
      const otherwise = t.otherwise[at] as number;
      i = otherwise >= i && t.op[at] === 0x04 ? otherwise : (t.end[at] as number);
      if (c.arms || c.targeted || t.op[at] === 0x03) return i;
      // A block, or the arm of an `if` whose condition was known.
      opened.pop();
      this.close();
      this.ir.op0(0x0b);
      this.ir.op0(0x00);
      i = (t.end[at] as number) + 1;
    }
  }
  private run(t: Tokens, frame: Frame, depth: number): void {
    const { ir } = this;
    const { opened } = this;
    const base = opened.length;
    let i = 0;
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
          i = this.skip(t, i + 1, base);
          continue;
        case 0x02:
        case 0x03:
        case 0x04: {
          const results = a === 0x40 ? 0 : 1;
          if (op === 0x04) {
            const value = this.stack.constAt(0);
            if (value !== undefined) {
              this.stack.takeBack();
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
            this.stack.pop();
          }
          ir.op1(op, a);
          this.open(results, op !== 0x02, op === 0x04);
          if (op === 0x03) {
            this.changed = true;
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
          while (this.stack.height > c.height) this.stack.pop();
          i++;
          continue;
        }
        case 0x0b:
          if (opened.length === base) {
            i++;
            continue;
          }
          opened.pop();
          this.close();
          ir.op0(0x0b);
          i++;
          continue;
        case 0x0c:
          this.branch(a, opened.length - base);
          i = this.skip(t, i + 1, base);
          continue;
        case 0x0d: {
          const value = this.stack.constAt(0);
          if (value !== undefined) {
            this.stack.takeBack();
            if (value !== 0) {
              this.branch(a, opened.length - base);
              i = this.skip(t, i + 1, base);
            } else i++;
            continue;
          }
          this.stack.pop();
          const target = Math.min(a, opened.length - base);
          if (a >= opened.length - base && !t.returns) throw unsupported("branch out of a function");
          ir.op1(0x0d, a);
          this.branched(target);
          // A value carried by the branch stays, but its constant must stay too.
          if (this.stack.height && this.stack.constAt(0) !== undefined) this.stack.forgetTop();
          i++;
          continue;
        }
        case 0x0e: {
          const labels = t.tables.get(i) as readonly number[];
          const value = this.stack.constAt(0);
          if (typeof value === "number") {
            this.stack.takeBack();
            this.branch(labels[Math.min(value >>> 0, labels.length - 1)] as number, opened.length - base);
          } else {
            this.stack.pop();
            if (!t.returns && labels.some((l) => l >= opened.length - base)) throw unsupported("branch out of a function");
            ir.raw(t.start[i] as number, t.stop[i] as number);
            for (const l of labels) this.branched(Math.min(l, opened.length - base));
          }
          i = this.skip(t, i + 1, base);
          continue;
        }
        case 0x0f:
          this.branch(opened.length - base, opened.length - base);
          i = this.skip(t, i + 1, base);
          continue;
        case 0x10:
          if (this.call(a, depth)) {
            i = this.skip(t, i + 1, base);
          } else i++;
          continue;
        case 0x13:
          if (i !== t.count - 2) throw unsupported("a second chain");
          this.discard();
          this.discard();
          i++;
          continue;
        case 0x11:
          throw unsupported("call_indirect");
        case 0x1a:
          this.discard();
          i++;
          continue;
        case 0x1b:
          this.select();
          i++;
          continue;
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
          this.stack.constant(a);
          i++;
          continue;
        case 0x42:
          this.stack.constant(t.wide.get(i) as bigint);
          i++;
          continue;
        case 0x43:
        case 0x44:
          ir.raw(t.start[i] as number, t.stop[i] as number);
          this.stack.unknown();
          i++;
          continue;
      }
      if (op >= 0x28 && op <= 0x35) this.load(t, i);
      else if (op >= 0x36 && op <= 0x3e) this.store(t, i);
      else this.plain(t, i);
      i++;
    }
  }
  private select(): void {
    const { stack } = this;
    const condition = stack.constAt(0);
    if (condition !== undefined && (condition !== 0 || stack.constAt(2) !== undefined)) {
      stack.takeBack();
      if (condition !== 0) this.discard();
      else stack.takeBackBelow();
      return;
    }
    this.ir.op0(0x1b);
    stack.pop();
    stack.pop();
    stack.pop();
    stack.unknown();
  }
  private branch(label: number, open: number): void {
    this.ir.op1(0x0c, label);
    this.branched(Math.min(label, open));
  }
  private getLocal(frame: Frame, n: number): void {
    const value = frame.known[n];
    if (value !== undefined) {
      this.stack.constant(value);
      return;
    }
    frame.gets[n] = 1;
    this.ir.op1(0x20, this.localOf(frame, n));
    this.stack.push(frame.address[n] ? REGISTER_ADDRESS : UNKNOWN, undefined, -1);
  }
  private getGlobal(global: number): void {
    const { g } = this;
    switch (global) {
      case g.flagOp:
      case g.flagA:
      case g.flagB:
        if (!this.promoted) break;
        if (this.flagsUnread) {
          this.stack.constant(global === g.flagOp ? 0 : 0n);
          return;
        }
        this.get(global === g.flagOp ? FLAG_OP : global === g.flagA ? FLAG_A : FLAG_B);
        return;
      case g.tlb:
      case g.generation:
        if (!this.promoted) break;
        this.ir.op1(0x20, this.local(global === g.tlb ? "tlb" : "generation"));
        this.stack.unknown();
        return;
      case g.codeSize:
        this.stack.constant(codeSizeOf(this.mode));
        return;
      case g.codeBase:
        if (!isFlat(this.mode)) break;
        this.stack.constant(0n);
        return;
      case g.stackMask:
        if (!isFlat(this.mode)) break;
        this.stack.constant(this.mode === WIDE ? -1n : 0xffffffffn);
        return;
      case g.stackSegment:
        if (!isFlat(this.mode)) break;
        this.stack.constant(this.mode === WIDE ? 9 : 2);
        return;
      case g.currentRecord:
        if (this.promoted) throw unsupported("looks at the running record");
        break;
    }
    this.ir.op1(0x23, this.imports.globalOf(global));
    this.stack.unknown();
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
    if (global !== g.faultVector && global !== g.faultHasCode && global !== g.faultCode) this.changed = true;
    this.ir.op1(0x24, this.imports.globalOf(global));
    this.stack.pop();
    if (this.promoted && (global === g.tlb || global === g.generation)) this.reloadTlb();
  }

  // ---- memory -----------------------------------------------------------------------------------------------------------
  /** May an access with this offset and an unknown address (`fromTop` on the stack) reach a register that is in a local? */
  private registerByNumber(fromTop: number, offset: number): boolean {
    if (!this.promoted || this.stack.constAt(fromTop) !== undefined) return false;
    return this.stack.kindAt(fromTop) === REGISTER_ADDRESS ? offset < REGISTERS_END : offset >= VCPU_BASE && offset < VCPU_BASE + REGISTERS_END;
  }
  private load(t: Tokens, i: number): void {
    const op = t.op[i] as number;
    const address = this.stack.constAt(0);
    if (typeof address === "number") {
      const at = address + (t.b[i] as number);
      const place = this.place as Place;
      const inRecord = at - place.record;
      if (inRecord >= 0 && inRecord < RECORD_SIZE) {
        const value = constantOf(op, place.bytes, inRecord);
        if (value === null) throw unsupported("an odd load of the record");
        this.stack.takeBack();
        this.stack.constant(value);
        return;
      }
      // The next record's handler: an argument of the chain, which is dropped.
      if (inRecord === RECORD_SIZE) {
        this.stack.takeBack();
        this.stack.constant(0);
        return;
      }
      const offset = at - VCPU_BASE;
      if (offset >= 0 && offset < 0x4000 && this.loadState(op, offset)) return;
    } else if (this.registerByNumber(0, t.b[i] as number)) throw unsupported("a register by number");
    this.stack.pop();
    if (op === 0x29) this.stack.push(UNKNOWN, undefined, this.ir.op2(op, t.a[i] as number, t.b[i] as number));
    else {
      this.ir.raw(t.start[i] as number, t.stop[i] as number);
      this.stack.unknown();
    }
  }
  /**
   * `tag == (linear + n & ~0xfff | generation)` of core/mmu.ts compares 64 bits. Where linear addresses have 32 and so have those in the TLB, the low halves decide, and
   * engines' baseline compilers join a comparison of i32 with the branch behind it. An access that runs over 4 GiB compares page 0 with the last page.
   */
  private tagComparison(op: number): boolean {
    const { ir, stack } = this;
    if (this.mode !== NARROW || (op !== 0x51 && op !== 0x52)) return false;
    const tag = stack.irAt(1);
    const or = ir.before(ir.count);
    const and = ir.before(or);
    const mask = ir.before(and);
    if (ir.opAt(or) !== 0x84 || ir.opAt(and) !== 0x83 || ir.opAt(mask) !== 0x42 || ir.wideAt(mask) !== -4096n) return false;
    if (ir.opAt(tag) !== 0x29 || (ir.offsetAt(tag) !== TLB_READ && ir.offsetAt(tag) !== TLB_WRITE)) return false;
    ir.replace(tag, 0x28, 2, ir.offsetAt(tag));
    ir.op0(0xa7);
    ir.op0(op === 0x51 ? 0x46 : 0x47);
    stack.pop();
    stack.pop();
    stack.unknown();
    return true;
  }
  /** A load from a known place of the state: true when it was handled. */
  private loadState(op: number, offset: number): boolean {
    if (offset < 128) {
      if (!this.promoted) return false;
      this.stack.takeBack();
      this.loadRegister(op, offset);
      return true;
    }
    if (offset < ZERO_SLOT + 8) {
      this.stack.takeBack();
      this.stack.constant(op === 0x29 || op >= 0x30 ? 0n : 0);
      return true;
    }
    const place = this.place as Place;
    if ((offset === BLOCK_IP || (offset === IP && this.promoted)) && op === 0x29) {
      // In the plain form the state's own values are right too: sync() stored them.
      if (!this.promoted) return false;
      this.stack.takeBack();
      this.plus("ip", offset === IP ? place.endDelta : place.blockDelta);
      this.stack.unknown();
      return true;
    }
    const flat = isFlat32(this.mode);
    if (op === 0x2d && offset >= SEG_CHECK && offset < SEG_CHECK + 10) {
      const s = offset - SEG_CHECK;
      let check: number | null = null;
      if (this.mode === WIDE && (s < 6 || s > 7)) check = 0;
      else if (flat && s < 4) check = s === 1 ? 2 : 0;
      if (check === null) return false;
      this.stack.takeBack();
      this.stack.constant(check);
      return true;
    }
    if (op === 0x29 && offset >= SEG_BASE && offset < SEG_BASE + 80) {
      const s = (offset - SEG_BASE) >> 3;
      if (!((this.mode === WIDE && s > 7) || (flat && s < 4))) return false;
      this.stack.takeBack();
      this.stack.constant(0n);
      return true;
    }
    return false;
  }
  private loadRegister(op: number, offset: number): void {
    const { ir } = this;
    const width = LOAD_BITS.get(op);
    const shift = (offset & 7) * 8;
    if (width === undefined || shift + width > 64) throw unsupported("an odd register load");
    const register = offset >> 3;
    const known = this.known[register];
    const signed = op === 0x2c || op === 0x2e || op === 0x30 || op === 0x32 || op === 0x34;
    const wide = op === 0x29 || op >= 0x30;
    if (typeof known === "bigint") {
      const part = BigInt.asUintN(64, known) >> BigInt(shift);
      const v = signed || width === 64 ? BigInt.asIntN(width, part) : BigInt.asUintN(width, part);
      this.stack.constant(wide ? BigInt.asIntN(64, v) : Number(BigInt.asIntN(32, v)));
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
      else if (width === 32) this.truncate();
      else {
        ir.i64((1n << BigInt(width)) - 1n);
        ir.op0(0x83);
      }
    }
  }
  private store(t: Tokens, i: number): void {
    const op = t.op[i] as number;
    const address = this.stack.constAt(1);
    if (typeof address === "number" && this.promoted) {
      const offset = address + (t.b[i] as number) - VCPU_BASE;
      if (offset >= 0 && offset < 128) {
        this.storeRegister(op, offset);
        return;
      }
      // RIP is stored anew by whoever leaves.
      if (offset !== IP) this.changed = true;
      else if (!this.conditional) this.storesIp = true;
      if (offset === CR0 || offset === CR4 || offset === XCR0 || offset === EFLAGS) this.known[PASSED] = undefined;
    } else {
      this.changed = true;
      if (this.registerByNumber(1, t.b[i] as number)) throw unsupported("a register by number");
    }
    this.ir.raw(t.start[i] as number, t.stop[i] as number);
    this.stack.pop();
    this.stack.pop();
  }
  private storeRegister(op: number, offset: number): void {
    const { ir } = this;
    const width = STORE_BITS.get(op);
    const shift = (offset & 7) * 8;
    if (width === undefined || shift + width > 64) throw unsupported("an odd register store");
    const register = offset >> 3;
    this.stack.takeBackBelow();
    if (width === 64) {
      this.set(register);
      return;
    }
    const narrow = op === 0x36 || op === 0x3a || op === 0x3b;
    const mask = (1n << BigInt(width)) - 1n;
    const value = this.stack.constAt(0);
    if (value !== undefined) {
      this.stack.takeBack();
      ir.i64(BigInt.asIntN(64, (BigInt(value) & mask) << BigInt(shift)));
    } else {
      this.stack.pop();
      if (narrow) ir.op0(0xad);
      if (!narrow && width === 32) this.truncate();
      else if (width < 32) {
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
    this.stack.unknown();
    this.set(register);
  }

  // ---- the rest ---------------------------------------------------------------------------------------------------------
  /** The last instruction extends an i32: taken back, the i32 is on the stack. */
  private extended(): boolean {
    const { ir } = this;
    const last = ir.before(ir.count);
    if (ir.opAt(last) !== 0xad) return false;
    ir.drop(last);
    return true;
  }
  /** i64.eqz of an extended i32. */
  private eqz64(): boolean {
    const { ir } = this;
    const last = ir.before(ir.count);
    if (ir.opAt(last) !== 0xac && ir.opAt(last) !== 0xad) return false;
    ir.replace(last, 0x45);
    return true;
  }
  /** The value on the stack, an i64, keeps its low half. */
  private truncate(): void {
    if (!this.extended()) this.ir.op0(0xa7);
    this.ir.op0(0xad);
  }
  /** Forms of instructions with one constant that baseline compilers make less code of. */
  private shorter(op: number, x: Known, y: Known): boolean {
    const { ir, stack } = this;
    if (y === undefined) {
      // Their short forms take the constant on the right.
      if (x === undefined || !COMMUTES.has(op)) return false;
      if (op === 0x83 && x === 0xffffffffn) {
        stack.takeBackBelow();
        this.truncate();
        return true;
      }
      if (op === 0x6a) return false;
      stack.takeBackBelow();
      if (typeof x === "number") ir.i32(x);
      else ir.i64(x);
      ir.op0(op);
      stack.pop();
      stack.unknown();
      return true;
    }
    if (op === 0x47 && y === 0 && isComparison(ir.opAt(ir.before(stack.irAt(0))))) {
      stack.takeBack();
      return true;
    }
    if (op === 0x46 && y === 0) {
      stack.takeBack();
      ir.op0(0x45);
    } else if (op === 0x51 && y === 0n) {
      stack.takeBack();
      if (!this.eqz64()) ir.op0(0x50);
    } else if (op === 0x7d && typeof y === "bigint") {
      stack.takeBack();
      ir.i64(BigInt.asIntN(64, -y));
      ir.op0(0x7c);
    } else if (op === 0x6b && typeof y === "number") {
      stack.takeBack();
      ir.i32(-y);
      ir.op0(0x6a);
    } else if (op === 0x83 && y === 0xffffffffn) {
      stack.takeBack();
      this.truncate();
    } else if (op === 0x88 && y === 32n) {
      // (x << 32) >>> 32.
      const shift = ir.before(stack.irAt(0));
      const by = ir.before(shift);
      if (ir.before(ir.count) !== stack.irAt(0) || ir.opAt(shift) !== 0x86 || ir.opAt(by) !== 0x42 || ir.wideAt(by) !== 32n) return false;
      stack.takeBack();
      ir.drop(shift);
      ir.drop(by);
      this.truncate();
    } else return false;
    stack.pop();
    stack.unknown();
    return true;
  }
  private plain(t: Tokens, i: number): void {
    const { ir } = this;
    const op = t.op[i] as number;
    const take = t.take[i] as number;
    if (take < 0) throw unsupported(`instruction ${op.toString(16)}`);
    if (take === 1) {
      const v = this.stack.constAt(0);
      const folded = v === undefined ? null : fold1(op, v);
      if (folded) {
        this.stack.takeBack();
        this.stack.constant(folded.value);
        return;
      }
      if (op === 0xa7 && this.extended()) return;
      if (op === 0x50 && this.eqz64()) return;
      const vectorAccess = op >= 0xfd00 && (op <= 0xfd0a || op === 0xfd5c || op === 0xfd5d);
      if (vectorAccess && this.registerByNumber(0, t.b[i] as number)) throw unsupported("a register by number");
    } else if (take === 2) {
      const y = this.stack.constAt(0);
      const x = this.stack.constAt(1);
      if (x !== undefined && y !== undefined) {
        let value: number | bigint | null = null;
        if (typeof x === "number" && typeof y === "number") value = fold32(op, x, y);
        else if (typeof x === "bigint" && typeof y === "bigint") value = compare64(op, x, y) ?? fold64(op, x, y);
        if (value !== null) {
          this.stack.takeBack();
          this.stack.takeBack();
          this.stack.constant(value);
          return;
        }
      }
      if (y !== undefined && identity(op, y, false)) {
        this.stack.takeBack();
        return;
      }
      if (x !== undefined && identity(op, x, true)) {
        this.stack.takeBackBelow();
        return;
      }
      if (op === 0x6a) {
        const near = (v: Known) => typeof v === "number" && v >= VCPU_BASE && v < VCPU_BASE + REGISTERS_END;
        const address = near(x) || near(y) || this.stack.kindAt(0) === REGISTER_ADDRESS || this.stack.kindAt(1) === REGISTER_ADDRESS;
        ir.op0(op);
        this.stack.pop();
        this.stack.pop();
        this.stack.push(address ? REGISTER_ADDRESS : UNKNOWN, undefined, -1);
        return;
      }
      if (this.shorter(op, x, y) || this.tagComparison(op)) return;
      const vectorStore = op === 0xfd0b || (op >= 0xfd54 && op <= 0xfd5b);
      if (vectorStore) this.changed = true;
      if (vectorStore && this.registerByNumber(1, t.b[i] as number)) throw unsupported("a register by number");
    }
    // memory.copy, memory.fill.
    if (take === 3) this.changed = true;
    // Instructions without immediates stay recognisable.
    if (op <= 0xc4) ir.op0(op);
    else ir.raw(t.start[i] as number, t.stop[i] as number);
    for (let n = take; n > 0; n--) this.stack.pop();
    if (t.leaves[i]) this.stack.unknown();
  }
}
const isComparison = (op: number) => op >= 0x45 && op <= 0x66;
/** Integer instructions whose operands may change places. */
const COMMUTES = new Set([0x46, 0x47, 0x51, 0x52, 0x6a, 0x6c, 0x71, 0x72, 0x73, 0x7c, 0x7e, 0x83, 0x84, 0x85]);
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
