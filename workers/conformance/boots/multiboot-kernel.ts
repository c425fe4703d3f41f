// Two tiny Multiboot 1 kernels, made here byte by byte: an ELF32 file, and a plain file whose header holds the addresses (the "a.out kludge").
// Both check EAX, print on COM1 what the loader left in EBX (flags, memory, command line, modules with their strings and contents) and
// leave through isa-debug-exit at F4h. Multiboot Specification 0.6.96, 3.2 and 3.3.

const LOAD = 0x100000;
const HEADER_MAGIC = 0x1badb002;
const LOADER_MAGIC = 0x2badb002;
const ADDRESSES = 0x10000;
const PAGE_ALIGN_AND_MEMORY = 3;

/** Machine code with labels: enough of an assembler for one page. */
class Code {
  readonly bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #holes: { readonly at: number; readonly to: string; readonly kind: "rel8" | "rel32" | "abs32" }[] = [];
  emit(...bytes: number[]): this {
    this.bytes.push(...bytes);
    return this;
  }
  u32(value: number): this {
    return this.emit(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
  }
  label(name: string): this {
    this.#labels.set(name, this.bytes.length);
    return this;
  }
  /** Jcc or JMP with a one-byte distance. */
  short(opcode: number, to: string): this {
    this.emit(opcode, 0);
    this.#holes.push({ at: this.bytes.length - 1, to, kind: "rel8" });
    return this;
  }
  call(to: string): this {
    this.emit(0xe8).u32(0);
    this.#holes.push({ at: this.bytes.length - 4, to, kind: "rel32" });
    return this;
  }
  /** mov esi, address of a label; call puts. */
  say(text: string): this {
    this.emit(0xbe).u32(0);
    this.#holes.push({ at: this.bytes.length - 4, to: text, kind: "abs32" });
    return this.call("puts");
  }
  finish(base: number): Uint8Array {
    const out = Uint8Array.from(this.bytes);
    const view = new DataView(out.buffer);
    for (const { at, to, kind } of this.#holes) {
      const target = this.#labels.get(to);
      if (target === undefined) throw new Error(`no label ${to}`);
      if (kind === "rel8") view.setInt8(at, target - at - 1);
      else if (kind === "rel32") view.setInt32(at, target - at - 4, true);
      else view.setUint32(at, base + target, true);
    }
    return out;
  }
}
const JE = 0x74;
const JNE = 0x75;
const JMP = 0xeb;

function program(base: number): Uint8Array {
  const c = new Code();
  const texts = { magic: "magic ", flags: "flags ", lower: "lower ", upper: "upper ", cmdline: "cmdline ", count: "mods ", module: "mod ", length: "length ", aligned: "offset ", string: "string ", first: "starts ", newline: "\n" };
  const field = (name: keyof typeof texts, offset: number) => c.say(name).emit(0x8b, 0x43, offset).call("hex").say("newline"); // mov eax, [ebx+offset]
  c.emit(0xfa); // cli
  c.emit(0xbc).u32(base + 0x2000); // mov esp, behind the code (bss)
  c.emit(0x89, 0xc7); // mov edi, eax
  c.say("magic").emit(0x89, 0xf8).call("hex").say("newline"); // mov eax, edi
  c.emit(0x81, 0xff).u32(LOADER_MAGIC); // cmp edi, 2BADB002h
  c.emit(0xb0, 0x02).short(JNE, "leave"); // mov al, 2; jne leave
  // The bits that are promised: memory, command line, modules, memory map, loader's name.
  c.say("flags").emit(0x8b, 0x03, 0x25).u32(0x24d).call("hex").say("newline"); // mov eax, [ebx]; and eax, 24Dh
  field("lower", 4);
  // In whole MiB: the firmware reserves a different amount for ACPI tables here (QEMU pads them to 128 KiB).
  c.say("upper").emit(0x8b, 0x43, 8, 0x25).u32(0xfffffc00).call("hex").say("newline"); // mov eax, [ebx+8]; and eax, FFFFFC00h
  c.say("cmdline").emit(0x8b, 0x73, 16).call("puts").say("newline"); // mov esi, [ebx+16]
  field("count", 20);
  c.emit(0x8b, 0x6b, 24); // mov ebp, [ebx+24]: the modules
  c.emit(0x8b, 0x7b, 20); // mov edi, [ebx+20]: how many
  c.label("next").emit(0x85, 0xff).emit(0x0f, 0x84).u32(0); // test edi, edi; je done (near, below)
  const jump = c.bytes.length;
  c.say("length").emit(0x8b, 0x45, 4, 0x2b, 0x45, 0).call("hex"); // mov eax, [ebp+4]; sub eax, [ebp]
  c.say("aligned").emit(0x8b, 0x45, 0, 0x25).u32(0xfff).call("hex"); // mov eax, [ebp]; and eax, FFFh
  c.say("first").emit(0x8b, 0x45, 0, 0x8b, 0x00).call("hex"); // mov eax, [ebp]; mov eax, [eax]
  c.say("string").emit(0x8b, 0x75, 8).call("puts").say("newline"); // mov esi, [ebp+8]
  c.emit(0x83, 0xc5, 16, 0x4f); // add ebp, 16; dec edi
  c.emit(0xe9).u32(0); // jmp next (near)
  const back = c.bytes.length;
  const done = c.bytes.length;
  c.emit(0xb0, 0x10); // mov al, 10h
  c.label("leave").emit(0xe6, 0xf4); // out F4h, al
  c.label("stop").emit(0xf4).short(JMP, "stop"); // hlt; jmp stop
  // puts: zero-terminated text at ESI to COM1
  c.label("puts").emit(0xac, 0x84, 0xc0).short(JE, "return").call("putc").short(JMP, "puts"); // lodsb; test al, al
  c.label("return").emit(0xc3);
  // putc: waits for LSR's THR-empty bit, then sends AL
  c.label("putc").emit(0x88, 0xc4, 0x66, 0xba, 0xfd, 0x03); // mov ah, al; mov dx, 3FDh
  c.label("wait").emit(0xec, 0xa8, 0x20).short(JE, "wait"); // in al, dx; test al, 20h
  c.emit(0x66, 0xba, 0xf8, 0x03, 0x88, 0xe0, 0xee, 0xc3); // mov dx, 3F8h; mov al, ah; out dx, al; ret
  // hex: EAX as eight digits and a space
  c.label("hex").emit(0x89, 0xc6, 0xb9).u32(8); // mov esi, eax; mov ecx, 8
  c.label("digit").emit(0xc1, 0xc6, 4, 0x89, 0xf0, 0x24, 0x0f); // rol esi, 4; mov eax, esi; and al, 0Fh
  c.emit(0x3c, 10, 0x1c, 0x69, 0x2f); // cmp al, 10; sbb al, 69h; das: '0'-'9', 'A'-'F'
  c.call("putc").emit(0x49).short(JNE, "digit").emit(0xb0, 0x20).call("putc").emit(0xc3); // dec ecx; mov al, ' '
  for (const [name, text] of Object.entries(texts)) c.label(name).emit(...new TextEncoder().encode(text), 0);
  const out = c.finish(base);
  const view = new DataView(out.buffer);
  view.setInt32(jump - 4, done - jump, true);
  // "next" starts 8 bytes before the near jump's end: test edi, edi (2) and je near (6).
  view.setInt32(back - 4, jump - 8 - back, true);
  return out;
}
/** The header, then the code, at LOAD: what is in memory once loaded. */
function image(kludge: boolean): { readonly bytes: Uint8Array; readonly entry: number; readonly bss: number } {
  const headerSize = kludge ? 32 : 12;
  const entry = LOAD + headerSize;
  const code = program(entry);
  const bytes = new Uint8Array(headerSize + code.length);
  const bss = entry + 0x2000;
  const flags = PAGE_ALIGN_AND_MEMORY | (kludge ? ADDRESSES : 0);
  const words = [HEADER_MAGIC, flags, -(HEADER_MAGIC + flags)];
  // header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr
  if (kludge) words.push(LOAD, LOAD, LOAD + bytes.length, bss, entry);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => view.setUint32(4 * i, word, true));
  bytes.set(code, headerSize);
  return { bytes, entry, bss };
}
export function multibootElf(): Uint8Array {
  const { bytes, entry, bss } = image(false);
  const offset = 0x60;
  const file = new Uint8Array(offset + bytes.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]); // ELFCLASS32, little-endian, version 1
  const half = (at: number, value: number) => view.setUint16(at, value, true);
  const word = (at: number, value: number) => view.setUint32(at, value, true);
  half(16, 2); // ET_EXEC
  half(18, 3); // EM_386
  word(20, 1);
  word(24, entry);
  word(28, 52); // e_phoff
  half(40, 52);
  half(42, 32);
  half(44, 1);
  // The program header: PT_LOAD, offset, virtual, physical, file size, memory size (with the stack), RWX, alignment
  [1, offset, LOAD, LOAD, bytes.length, bss - LOAD, 7, 0x20].forEach((value, i) => word(52 + 4 * i, value));
  file.set(bytes, offset);
  return file;
}
/** 64 bytes that are not loaded come first: the loader has to find the header's place and reckon load_addr's from it. */
export function multibootPlain(): Uint8Array {
  const { bytes } = image(true);
  const file = new Uint8Array(64 + bytes.length).fill(0x90);
  file.set(bytes, 64);
  return file;
}
export const modules: readonly { readonly name: string; readonly bytes: Uint8Array }[] = [
  { name: "mod1", bytes: new TextEncoder().encode("first module\n") },
  { name: "mod2", bytes: Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) & 0xff) },
];
