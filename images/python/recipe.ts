// Python 3.11 and a part of its own test suite from Debian's packages, with the libraries they need: an archive under py/ that the boots put behind a
// Debian guest's initrd (workers/conformance/boots/python.boot.ts). Not a guest; built when it is asked for by name. Licences: PSF-2, LGPL-2.1 (glibc), Zlib, MIT.

import { unpack } from "../lib/debian.ts";
import type { Recipe } from "../lib/guest.ts";
import { type Entry, makeInitramfs } from "../lib/initramfs.ts";
import { FaultError } from "../../src/contract/schema.ts";

const LIBRARIES: { readonly [name: string]: RegExp } = {
  libc6: /^(?:usr\/)?lib\/x86_64-linux-gnu\/(ld-linux-x86-64\.so\.2|lib(?:c|m|dl|pthread|util|rt)\.so\.\d+)$/,
  libexpat1: /^(?:usr\/)?lib\/x86_64-linux-gnu\/(libexpat\.so\.1)\.[\d.]+$/,
  zlib1g: /^(?:usr\/)?lib\/x86_64-linux-gnu\/(libz\.so\.1)\.[\d.]+$/,
};
/** Not: modules of C that need other libraries, which the standard library does without; links (sitecustomize.py). */
const MODULES = /^usr\/lib\/python3\.11\/(?!.*\/(?:_ssl|_hashlib|_ctypes\w*|_bz2|_lzma|_sqlite3|_curses\w*|_dbm|_gdbm|_uuid|_crypt|readline|nis|ossaudiodev)\.)(?!sitecustomize|idlelib|tkinter|lib2to3|ensurepip|pydoc_data|turtledemo|distutils)/;
const TESTS = /^usr\/lib\/python3\.11\/test\/(?:(?:libregrtest|support)\/[^/]+|__init__\.py|__main__\.py|regrtest\.py|\w+_testcases\.txt|ieee754\.txt|floating_points\.txt|double_const\.py|re_tests\.py|randv\w+\.pck|ann_module\d*\.py|typinganndata\.py|(?:decimaltestdata|mathdata|test_json)\/[^/]+|test_(?:grammar|float|int|long|complex|math|cmath|struct|zlib|binascii|hashlib|re|random|numeric_tower|decimal|array|fractions|statistics)\.py)$/;

export const recipe: Recipe = {
  id: "python",
  revision: 2,
  packages: true,
  onDemand: true,
  async build({ source, write, used }) {
    const entries = new Map<string, Entry>();
    const put = (path: string, bytes: Uint8Array) => entries.set(path, { path: `py/${path}`, kind: "file", bytes, mode: 0o755 });
    for (const [name, wanted] of Object.entries(LIBRARIES)) {
      const pkg = await source.fetch(name, "amd64");
      used(pkg);
      const files = await unpack(pkg, (p) => wanted.test(p));
      if (files.size === 0) throw new FaultError("images.layout", `The package ${name} ${pkg.version} holds none of its libraries where they were.`, "The archive moved on; the recipe must follow.");
      for (const [path, bytes] of files) put(`lib/${wanted.exec(path)?.[1]}`, bytes);
    }
    for (const name of ["python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libpython3.11-testsuite"]) {
      const pkg = await source.fetch(name, "amd64");
      used(pkg);
      const wanted = (p: string) => p === "usr/bin/python3.11" || TESTS.test(p) || (MODULES.test(p) && !p.includes("/test/"));
      for (const [path, bytes] of await unpack(pkg, wanted)) put(path, bytes);
    }
    for (const path of ["usr/bin/python3.11", "usr/lib/python3.11/os.py", "usr/lib/python3.11/decimal.py", "usr/lib/python3.11/test/test_math.py", "usr/lib/python3.11/test/libregrtest/main.py", "lib/libc.so.6", "lib/libz.so.1"])
      if (!entries.has(path)) throw new FaultError("images.layout", `Debian's Python holds no ${path}.`, "The archive moved on; the recipe must follow.");
    write("python.cpio.gz", makeInitramfs([...entries.values()]));
    return [];
  },
};
