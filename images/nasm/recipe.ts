// The assembler of the bench: Debian's NASM compiled to WebAssembly (ADR 0015) with Debian's clang, lld and WASI C library, unpacked into a folder that
// goes afterwards; nothing is installed. It needs an x86-64 Linux host, as the compiler's packages do, and a shell with sed and grep for ./configure.
// Licences: BSD-2-Clause (NASM); MIT, Apache-2.0 with LLVM exceptions (what wasi-libc and compiler-rt leave in the result).

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { FaultError } from "../../src/contract/schema.ts";
import { unpack } from "../lib/debian.ts";
import type { Recipe } from "../lib/guest.ts";

const LIBRARIES = "usr/lib/x86_64-linux-gnu";
/** The compiler, and the libraries that it needs beyond the C and C++ ones that Node needs as well. */
const TOOLS: { readonly [name: string]: RegExp } = {
  "clang-14": /^usr\/lib\/llvm-14\/bin\/clang$/,
  "lld-14": /^usr\/lib\/llvm-14\/bin\/lld$/,
  "libclang-common-14-dev": /^usr\/lib\/llvm-14\/lib\/clang\/[\d.]+\/include\/[^/]+\.h$/,
  "libclang-rt-14-dev-wasm32": /\/libclang_rt\.builtins-wasm32\.a$/,
  "wasi-libc": /^usr\/(?:include|lib)\/wasm32-wasi\//,
};
for (const name of ["libllvm14", "libclang-cpp14", "libedit2", "libffi8", "libtinfo6", "libxml2", "libz3-4", "libicu72", "liblzma5", "libbsd0", "libmd0", "zlib1g"])
  (TOOLS as { [name: string]: RegExp })[name] = /^(?:usr\/)?lib\/(?:x86_64-linux-gnu|llvm-14\/lib)\/lib[\w+.-]+\.so[\d.]*$/;
const FOLDERS = ["asm", "nasmlib", "common", "stdlib", "output", "x86", "macros"];
/** Makers of tables, with a main of their own. */
const LEFT_OUT = new Set(["nasmlib/perfhash_test.c", "nasmlib/errfile.c"]);

function run(what: string, command: string, args: readonly string[], cwd: string, env: { readonly [name: string]: string }): void {
  try {
    execFileSync(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 << 20 });
  } catch (error) {
    const { stderr, stdout } = error as { stderr?: Buffer; stdout?: Buffer };
    const said = `${stderr ?? ""}`.trim() || `${stdout ?? ""}`.trim() || String(error);
    throw new FaultError("images.compile", `${what} failed: ${said.split("\n").slice(-3).join(" ")}`, "Debian's clang 14 needs glibc 2.36 or newer, and ./configure a shell with sed, grep and awk.");
  }
}
export const recipe: Recipe = {
  id: "nasm",
  revision: 1,
  packages: true,
  later: true,
  async build({ source, write, used }) {
    if (process.platform !== "linux" || process.arch !== "x64")
      throw new FaultError("images.host", `The bench's assembler is compiled on x86-64 Linux only; this is ${process.platform} on ${process.arch}.`, "Copy images/nasm/build from such a machine: the result runs everywhere.");
    const root = mkdtempSync(join(tmpdir(), "guesthouse-nasm-"));
    try {
      const put = (path: string, bytes: Uint8Array, mode = 0o644) => {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), bytes, { mode });
      };
      for (const [name, wanted] of Object.entries(TOOLS)) {
        const pkg = await source.fetch(name, "amd64");
        used(pkg);
        const files = await unpack(pkg, (p) => wanted.test(p));
        if (files.size === 0) throw new FaultError("images.layout", `The package ${name} ${pkg.version} holds none of its files where they were.`, "The archive moved on; the recipe must follow.");
        for (const [path, bytes] of files) {
          const inside = path.replace(/^(?:usr\/)?lib\/(?:x86_64-linux-gnu|llvm-14\/lib)\/(?=lib[^/]*\.so)/, `${LIBRARIES}/`);
          // A library's short name is a link to the long one beside it (or, for LLVM's own folder, to the one that is here already).
          const target = bytes.length < 200 ? Buffer.from(bytes).toString() : "";
          if (/^[\w+./-]+\.so[\d.]*$/.test(target)) {
            if (target.includes("/")) continue;
            mkdirSync(dirname(join(root, inside)), { recursive: true });
            symlinkSync(target, join(root, inside));
          } else put(inside, bytes, path.includes("/bin/") ? 0o755 : 0o644);
        }
      }
      const nasm = await source.fetchSource("nasm");
      used(nasm);
      for (const [path, bytes] of await unpack(nasm, (p) => (!p.includes("/doc/") || p.endsWith("/Makefile.in")) && !p.includes("/travis/") && !p.includes("/test/"))) put(path.replace(/^[^/]+/, "nasm"), bytes, 0o755);
      const bin = join(root, "usr/lib/llvm-14/bin");
      // The name by which Debian's clang looks for its linker.
      symlinkSync("lld", join(bin, "wasm-ld-14"));
      const env = { LD_LIBRARY_PATH: join(root, LIBRARIES), PATH: `${bin}:${process.env.PATH ?? ""}`, LC_ALL: "C" };
      const target = ["--target=wasm32-wasi", `--sysroot=${root}/usr`, "-isystem", `${root}/usr/include/wasm32-wasi`, `-L${root}/usr/lib/wasm32-wasi`];
      const nasmDir = join(root, "nasm");
      run("clang", join(bin, "clang"), ["--version"], root, env);
      // ar, ranlib and strip are asked for and never used.
      run("NASM's ./configure", "sh", ["./configure", "--host=wasm32-unknown-wasi", `CC=clang ${target.join(" ")}`, "AR=true", "RANLIB=true", "STRIP=true"], nasmDir, env);
      const sources = FOLDERS.flatMap((folder) => readdirSync(join(nasmDir, folder)).filter((f) => f.endsWith(".c")).map((f) => `${folder}/${f}`));
      const all = [...sources.filter((f) => !LEFT_OUT.has(f)).sort(), "disasm/disasm.c", "disasm/sync.c"];
      const includes = [".", "include", "x86", "asm", "disasm", "output"].map((d) => `-I${d}`);
      // 128 MiB end a source that grows without bound. The date in --version is the recipe's, so that the same packages give the same bytes.
      const flags = ["-O2", "-w", "-DHAVE_CONFIG_H", "-Wno-builtin-macro-redefined", '-D__DATE__="for the bench"'];
      run("Compiling NASM", join(bin, "clang"), [...target, ...flags, ...includes, ...all, "-Wl,--strip-all", "-Wl,-z,stack-size=1048576", "-Wl,--max-memory=134217728", "-o", "nasm.wasm"], nasmDir, env);
      write("nasm.wasm", readFileSync(join(nasmDir, "nasm.wasm")));
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
    return [];
  },
};
