// An initramfs as the Linux kernel unpacks it: cpio "newc" (Documentation/driver-api/early-userspace/buffer-format.rst), gzipped, with fixed
// times and owners so that equal inputs give equal bytes. Also picks kernel modules with what they depend on.

import { gzipSync } from "node:zlib";

export type Entry =
  | { readonly path: string; readonly kind: "file"; readonly bytes: Uint8Array; readonly mode: number }
  | { readonly path: string; readonly kind: "directory" }
  | { readonly path: string; readonly kind: "link"; readonly target: string };

export function makeInitramfs(entries: readonly Entry[]): Uint8Array {
  const parts: Buffer[] = [];
  let inode = 1;
  const header = (name: string, mode: number, size: number) => {
    const fields = [inode++, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name.length + 1, 0];
    const text = `070701${fields.map((f) => f.toString(16).padStart(8, "0")).join("")}${name}\0`;
    parts.push(Buffer.from(text), Buffer.alloc((4 - (text.length % 4)) % 4));
  };
  const body = (bytes: Uint8Array) => parts.push(Buffer.from(bytes), Buffer.alloc((4 - (bytes.length % 4)) % 4));
  const directories = new Set<string>();
  const parent = (path: string) => {
    const up = path.split("/").slice(0, -1).join("/");
    if (up && !directories.has(up)) {
      parent(up);
      directories.add(up);
      header(up, 0o40755, 0);
    }
  };
  for (const entry of entries) {
    parent(entry.path);
    if (entry.kind === "directory") {
      if (!directories.has(entry.path)) header(entry.path, 0o40755, 0);
      directories.add(entry.path);
    } else if (entry.kind === "link") {
      const target = Buffer.from(entry.target);
      header(entry.path, 0o120777, target.length);
      body(target);
    } else {
      header(entry.path, 0o100000 | entry.mode, entry.bytes.length);
      body(entry.bytes);
    }
  }
  header("TRAILER!!!", 0, 0);
  return gzipSync(Buffer.concat(parts), { level: 9 });
}

/** Module name as the kernel spells it. */
const spelled = (file: string) => (file.split("/").pop() ?? "").replace(/\.ko$/, "").replace(/-/g, "_");

/**
 * Entries for the wanted modules (a trailing * matches a prefix) and their dependencies, with modules.dep for modprobe. What a module asks for by
 * the alias of an algorithm ("softdep=pre: crypto-crc32c": ext4 mounts nothing without it) is a dependency too; the generic one is taken.
 */
export function moduleEntries(files: Map<string, Uint8Array>, wanted: readonly string[]): Entry[] {
  const modules = new Map([...files].filter(([path]) => path.endsWith(".ko")).map(([path, bytes]) => [spelled(path), { path, bytes }] as const));
  const dependsOn = (name: string): string[] => {
    const module = modules.get(name);
    if (!module) return [];
    const text = Buffer.from(module.bytes).toString("latin1");
    const hard = (/\0depends=([^\0]*)\0/.exec(text)?.[1] ?? "").split(",").filter((d) => d).map((d) => d.replace(/-/g, "_"));
    const soft = [...text.matchAll(/\0softdep=pre:([^\0]*)/g)].flatMap((m) => (m[1] ?? "").split(/post:/)[0]?.trim().split(/\s+/) ?? []);
    return [...hard, ...soft.map((d) => d.replace(/^crypto-/, "").replace(/-/g, "_")).flatMap((d) => [d, `${d}_generic`].filter((n) => modules.has(n)))];
  };
  const taken = new Set<string>();
  const take = (name: string) => {
    if (taken.has(name) || !modules.has(name)) return;
    taken.add(name);
    for (const d of dependsOn(name)) take(d);
  };
  for (const w of wanted) {
    const name = w.replace(/-/g, "_");
    if (name.endsWith("*")) for (const m of modules.keys()) if (m.startsWith(name.slice(0, -1))) take(m);
    take(name);
  }
  // All dependencies, nearest first, as depmod writes them: modprobe loads from the end, so that each comes after all that it needs.
  const closure = (name: string): string[] => {
    const order: string[] = [];
    const seen = new Set([name]);
    const visit = (of: string) => {
      for (const d of dependsOn(of)) {
        if (!modules.has(d) || seen.has(d)) continue;
        seen.add(d);
        visit(d);
        order.push(d);
      }
    };
    visit(name);
    return order.reverse();
  };
  const inTree = (path: string) => path.replace(/^lib\/modules\/[^/]+\//, "");
  const root = /^lib\/modules\/[^/]+\//.exec([...modules.values()][0]?.path ?? "")?.[0] ?? "lib/modules/none/";
  const dep = [...taken].sort().map((name) => {
    const paths = closure(name).map((d) => inTree(modules.get(d)?.path ?? ""));
    return `${inTree(modules.get(name)?.path ?? "")}:${paths.map((p) => ` ${p}`).join("")}`;
  });
  return [
    ...[...taken].sort().map((name): Entry => {
      const module = modules.get(name);
      if (!module) throw new Error(`modules: ${name}`);
      return { path: module.path, kind: "file", bytes: module.bytes, mode: 0o644 };
    }),
    { path: `${root}modules.dep`, kind: "file", bytes: Buffer.from(`${dep.join("\n")}\n`), mode: 0o644 },
    ...["modules.order", "modules.builtin"].flatMap((f): Entry[] => {
      const bytes = files.get(root + f);
      return bytes ? [{ path: root + f, kind: "file", bytes, mode: 0o644 }] : [];
    }),
  ];
}
