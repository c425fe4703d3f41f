// Reads core.wasm once: signatures, function bodies, which function stands behind each table index, which of its globals are imported.
// WebAssembly core specification, binary format. What scripts/export-all.mjs exports as f<index> and g<index> is found by these numbers.

export interface Body {
  /** Index in core's function space. */
  readonly index: number;
  readonly type: number;
  /** Types of locals behind the parameters, expanded. */
  readonly locals: readonly number[];
  /** First and last+1 byte of the instructions (the final `end` included). */
  readonly start: number;
  readonly end: number;
}
export interface Signature {
  readonly params: readonly number[];
  readonly results: readonly number[];
}
export class CoreCode {
  readonly bytes: Uint8Array;
  readonly types: Signature[] = [];
  readonly bodies = new Map<number, Body>();
  /** Type index per function, imported ones first. */
  readonly functionTypes: number[] = [];
  /** Function index per table index. */
  readonly table = new Map<number, number>();
  /** Value type and mutability per global. */
  readonly globals: { readonly type: number; readonly mutable: boolean }[] = [];
  readonly exports = new Map<string, { readonly kind: number; readonly index: number }>();
  importedFunctions = 0;
  /** Functions of the host, by name. */
  readonly imports = new Map<string, number>();
  /** By function index: bit 0 = leaves general registers alone, bit 1 = a slow path (scripts/homes.mjs). */
  homes: Uint8Array = new Uint8Array(0);
  /** Functions of mmu.ts that region.ts has others for, by name. */
  accesses: { readonly [name: string]: number } = {};
  private at = 8;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    while (this.at < bytes.length) {
      const id = bytes[this.at++] as number;
      const size = this.u32();
      const end = this.at + size;
      if (id === 0) this.custom(end);
      else this.section(id);
      this.at = end;
    }
  }
  /** What core's functions (f<index>) and globals (g<index>) are exported as besides their numbers. */
  names(): ReadonlyMap<string, string> {
    const out = new Map<string, string>();
    for (const [name, { kind, index }] of this.exports) if (!/^[fg]\d+$/.test(name)) out.set(`${kind === 3 ? "g" : "f"}${index}`, name);
    return out;
  }
  private u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.bytes[this.at++] as number;
      value |= (b & 0x7f) << shift;
      if (!(b & 0x80)) return value >>> 0;
    }
  }
  private list<T>(item: () => T): T[] {
    const count = this.u32();
    return Array.from({ length: count }, item);
  }
  private name(): string {
    const length = this.u32();
    const text = new TextDecoder().decode(this.bytes.slice(this.at, this.at + length));
    this.at += length;
    return text;
  }
  private custom(end: number): void {
    const name = this.name();
    const content = this.bytes.slice(this.at, end); // a copy: text in shared memory cannot be decoded
    if (name === "guesthouse.homes") this.homes = content;
    else if (name === "guesthouse.accesses") this.accesses = JSON.parse(new TextDecoder().decode(content));
  }
  private section(id: number): void {
    const byte = () => this.bytes[this.at++] as number;
    switch (id) {
      case 1:
        this.types.push(
          ...this.list(() => {
            this.at++;
            return { params: this.list(byte), results: this.list(byte) };
          }),
        );
        break;
      case 2:
        this.list(() => {
          this.name();
          const name = this.name();
          const kind = byte();
          if (kind === 0) {
            this.imports.set(name, this.importedFunctions);
            this.functionTypes.push(this.u32());
            this.importedFunctions++;
          } else if (kind === 2) {
            const flags = byte();
            this.u32();
            if (flags & 1) this.u32();
          } else throw new Error(`core-code: import kind ${kind}`);
        });
        break;
      case 3:
        this.functionTypes.push(...this.list(() => this.u32()));
        break;
      case 6:
        this.list(() => {
          this.globals.push({ type: byte(), mutable: byte() === 1 });
          // A constant initialiser: skip to its end.
          const op = byte();
          if (op === 0x41 || op === 0x42) while (byte() & 0x80);
          else if (op === 0x23) this.u32();
          else throw new Error(`core-code: initialiser ${op}`);
          this.at++;
        });
        break;
      case 7:
        this.list(() => {
          const name = this.name();
          this.exports.set(name, { kind: byte(), index: this.u32() });
        });
        break;
      case 9:
        this.list(() => {
          const flags = this.u32();
          if (flags !== 0) throw new Error(`core-code: element segment ${flags}`);
          this.at++; // i32.const
          let base = this.u32();
          this.at++;
          for (const f of this.list(() => this.u32())) this.table.set(base++, f);
        });
        break;
      case 10: {
        let n = this.importedFunctions;
        this.list(() => {
          const size = this.u32();
          const end = this.at + size;
          const locals = this.list(() => ({ count: this.u32(), type: byte() })).flatMap(({ count, type }) => Array<number>(count).fill(type));
          this.bodies.set(n, { index: n, type: this.functionTypes[n] as number, locals, start: this.at, end });
          n++;
          this.at = end;
        });
        break;
      }
    }
  }
}
