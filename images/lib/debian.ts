// Debian packages by name: downloaded with apt where there is one (private lists, so that i386 needs no change to the system), or from a mirror
// named on the command line. Archives move on: the newest version of the series is taken and recorded, an old pin never breaks a build.
// Unpacking is done here (ar, xz or gzip, tar), so dpkg is not needed; a program xz is used when there is one, as it is ten times as fast. Source packages come by name too: the author's archive, without Debian's patches.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import xz from "xz-decompress";
import { FaultError } from "../../src/contract/schema.ts";

export interface Package {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly sha256: string;
  readonly file: string;
}
export interface PackageSource {
  /** Fetches the newest version of a package; a metapackage's single dependency matching `follow` is taken instead. */
  fetch(name: string, architecture: string, follow?: RegExp): Promise<Package>;
  /** Fetches the author's archive (NAME_VERSION.orig.tar.*) of a source package; its architecture is "source". */
  fetchSource(name: string): Promise<Package>;
}
/** What a list of sources says of a package: its version, and name, hash and folder of the author's archive. */
function upstream(entry: string): { readonly version: string; readonly file: string; readonly sha256: string; readonly folder: string } | null {
  const [, hash, file] = /^Checksums-Sha256:[^\n]*\n(?: .*\n)*? ([0-9a-f]{64}) \d+ ([\w.+~-]+\.orig\.tar\.(?:xz|gz))$/m.exec(entry) ?? [];
  const version = /^Version: (.*)$/m.exec(entry)?.[1];
  const folder = /^Directory: (.*)$/m.exec(entry)?.[1];
  return hash && file && version && folder ? { version, file, sha256: hash, folder } : null;
}
const SUITE = "bookworm";

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
function has(command: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
/** The package source of this machine. Throws FaultError "images.source" when there is none. */
export function packageSource(cache: string, mirror: string | null): PackageSource {
  mkdirSync(cache, { recursive: true });
  if (mirror) return new MirrorSource(cache, mirror.replace(/\/$/, ""));
  if (has("apt-get") && has("apt-cache")) return new AptSource(cache);
  throw new FaultError(
    "images.source",
    "There is no apt-get on this machine, so Debian packages cannot be fetched.",
    "Name a Debian mirror: npm run images -- --mirror ADDRESS. The first-steps guests work without it.",
  );
}

class AptSource implements PackageSource {
  private readonly cache: string;
  private updated = false;
  private sourceOptions: readonly string[] | null = null;
  constructor(cache: string) {
    this.cache = cache;
  }
  private options(): string[] {
    const lists = join(this.cache, "apt/lists");
    const archives = join(this.cache, "apt/archives");
    mkdirSync(join(lists, "partial"), { recursive: true });
    mkdirSync(join(archives, "partial"), { recursive: true });
    return [
      `Dir::State::Lists=${lists}`,
      `Dir::Cache=${join(this.cache, "apt")}`,
      // Containers' settings keep none, and apt reads all lists anew for every package.
      "Dir::Cache::pkgcache=pkgcache.bin",
      "Dir::Cache::srcpkgcache=srcpkgcache.bin",
      "APT::Architecture=amd64",
      "APT::Architectures::=amd64",
      "APT::Architectures::=i386",
      "APT::Sandbox::User=root",
      "Acquire::Languages=none",
      "Debug::NoLocking=1",
    ].flatMap((o) => ["-o", o]);
  }
  private update(): void {
    if (this.updated) return;
    this.updated = true;
    try {
      execFileSync("apt-get", [...this.options(), "update", "-qq"], { stdio: ["ignore", "ignore", "pipe"] });
    } catch (error) {
      // One list out of step (a mirror in the middle of its sync) does not matter as long as others arrived.
      const said = String((error as { stderr?: Buffer }).stderr ?? error).trim();
      if (!readdirSync(join(this.cache, "apt/lists")).some((f) => f.includes("_Packages")))
        throw new FaultError("images.update", `apt-get could not read the package lists: ${said}`, "Check the network, or name a mirror with --mirror.");
      console.log(`images: some package lists could not be read; going on with the others. ${said.split("\n")[0]}`);
    }
  }
  async fetch(name: string, architecture: string, follow?: RegExp): Promise<Package> {
    this.update();
    const full = `${name}:${architecture}`;
    const show = this.show(full);
    if (follow) {
      const depends = (/^Depends: (.*)$/m.exec(show)?.[1] ?? "").split(/[,|]/).map((d) => d.trim().split(/[ (]/)[0] ?? "");
      const target = depends.find((d) => follow.test(d));
      if (target) return this.fetch(target, architecture);
    }
    const version = /^Version: (.*)$/m.exec(show)?.[1] ?? "";
    const expected = /^SHA256: (.*)$/m.exec(show)?.[1] ?? "";
    const dir = join(this.cache, "packages");
    mkdirSync(dir, { recursive: true });
    const known = readdirSync(dir).find((f) => f.startsWith(`${name}_`) && (f.endsWith(`_${architecture}.deb`) || f.endsWith("_all.deb")) && sha256(readFileSync(join(dir, f))) === expected);
    if (!known) {
      try {
        execFileSync("apt-get", [...this.options(), "download", "-qq", full], { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
      } catch (error) {
        throw new FaultError("images.download", `apt-get could not download ${full}: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`, "Check the network, or name a mirror with --mirror.");
      }
    }
    const file = readdirSync(dir).find((f) => f.startsWith(`${name}_`) && (f.endsWith(`_${architecture}.deb`) || f.endsWith("_all.deb")) && (!expected || sha256(readFileSync(join(dir, f))) === expected));
    if (!file) throw new FaultError("images.hash", `${full} arrived with another hash than its package list says.`, "Run npm run images again; if it stays, the mirror is broken.");
    return { name, version, architecture, sha256: expected, file: join(dir, file) };
  }
  /** apt's options with the lists of sources behind the system's own Debian archives: most systems name only those of built packages. */
  private sources(): readonly string[] {
    if (this.sourceOptions) return this.sourceOptions;
    const format = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)";
    const targets = execFileSync("apt-get", [...this.options(), "indextargets", "--format", format, "Created-By: Packages"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const archives = new Set(targets.split("\n").map((l) => l.split("|")).filter(([origin, , , component]) => origin === "Debian" && component === "main").map(([, uri, release]) => `${uri} ${release} main`));
    const list = join(this.cache, "apt/sources.list");
    const key = "/usr/share/keyrings/debian-archive-keyring.gpg";
    writeFileSync(list, [...archives].map((a) => `deb-src ${existsSync(key) ? `[signed-by=${key}] ` : ""}${a}\n`).join(""));
    const lists = join(this.cache, "apt/source-lists");
    mkdirSync(join(lists, "partial"), { recursive: true });
    mkdirSync(join(this.cache, "apt/source-cache/archives/partial"), { recursive: true });
    const options = [...this.options(), ...[`Dir::State::Lists=${lists}`, `Dir::Cache=${join(this.cache, "apt/source-cache")}`, `Dir::Etc::SourceList=${list}`, "Dir::Etc::SourceParts=/dev/null"].flatMap((o) => ["-o", o])];
    try {
      execFileSync("apt-get", [...options, "update", "-qq"], { stdio: ["ignore", "ignore", "pipe"] });
    } catch (error) {
      const said = String((error as { stderr?: Buffer }).stderr ?? error).trim();
      if (!readdirSync(lists).some((f) => f.includes("_Sources")))
        throw new FaultError("images.update", `apt-get could not read the package lists: ${said}`, "Check the network, or name a mirror with --mirror.");
      console.log(`images: some package lists could not be read; going on with the others. ${said.split("\n")[0]}`);
    }
    this.sourceOptions = options;
    return options;
  }
  async fetchSource(name: string): Promise<Package> {
    // The archives' names are known to apt only after its first update.
    this.update();
    const options = this.sources();
    let said = "";
    try {
      said = execFileSync("apt-cache", [...options, "showsrc", "--only-source", name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    } catch {
      // said below
    }
    const known = said.split("\n\n").map(upstream).filter((e) => e !== null);
    // apt takes the newest; without dpkg's order of versions, what it downloads tells which one that is.
    if (known.length === 0) throw new FaultError("images.package", `Debian has no source package ${name}.`, "Check that this machine's sources include the main component of bookworm.");
    const dir = join(this.cache, "packages");
    mkdirSync(dir, { recursive: true });
    const here = () => known.map((k) => ({ ...k, path: join(dir, k.file) })).find((k) => existsSync(k.path) && sha256(readFileSync(k.path)) === k.sha256);
    if (!here()) {
      try {
        execFileSync("apt-get", [...options, "source", "--download-only", "--only-source", "--tar-only", "-qq", name], { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
      } catch (error) {
        throw new FaultError("images.download", `apt-get could not download ${name}: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`, "Check the network, or name a mirror with --mirror.");
      }
    }
    const found = here();
    if (!found) throw new FaultError("images.hash", `${name} arrived with another hash than its package list says.`, "Run npm run images again; if it stays, the mirror is broken.");
    return { name, version: found.version, architecture: "source", sha256: found.sha256, file: found.path };
  }
  private show(full: string): string {
    try {
      return execFileSync("apt-cache", [...this.options(), "show", "--no-all-versions", full], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    } catch {
      throw new FaultError("images.package", `Debian has no package ${full}.`, "Check that this machine's sources include the main component of bookworm.");
    }
  }
}
class MirrorSource implements PackageSource {
  private readonly cache: string;
  private readonly mirror: string;
  private readonly lists = new Map<string, Map<string, string>>();
  constructor(cache: string, mirror: string) {
    this.cache = cache;
    this.mirror = mirror;
  }
  private async get(path: string): Promise<Uint8Array> {
    let reply: Response;
    try {
      reply = await fetch(`${this.mirror}/${path}`);
    } catch (error) {
      throw new FaultError("images.mirror", `The mirror does not answer: ${String((error as Error).cause ?? error)}`, "Check the address given with --mirror.");
    }
    if (!reply.ok) throw new FaultError("images.mirror", `The mirror answered ${reply.status} for ${path}.`, "Name the folder that holds dists/ and pool/.");
    return new Uint8Array(await reply.arrayBuffer());
  }
  /** Entries of a list by package name. */
  private async list(path: string): Promise<Map<string, string>> {
    let list = this.lists.get(path);
    if (!list) {
      const packed = await this.get(path);
      let text: string;
      try {
        text = gunzipSync(packed).toString("utf8");
      } catch {
        throw new FaultError("images.mirror", `The mirror's list ${path} is damaged.`, "Run npm run images again; if it stays, the mirror is broken.");
      }
      list = new Map(text.split("\n\n").map((p) => [/^Package: (.*)$/m.exec(p)?.[1] ?? "", p] as const));
      this.lists.set(path, list);
    }
    return list;
  }
  /** The file in the cache, fetched when it is not there or not whole. */
  private async keep(name: string, path: string, hash: string): Promise<string> {
    const dir = join(this.cache, "packages");
    mkdirSync(dir, { recursive: true });
    const file = join(dir, basename(path));
    if (!existsSync(file) || sha256(readFileSync(file)) !== hash) {
      const bytes = await this.get(path);
      if (sha256(bytes) !== hash) throw new FaultError("images.hash", `${name} arrived with another hash than the mirror's list says.`, "Run npm run images again; if it stays, the mirror is broken.");
      writeFileSync(`${file}.part`, bytes);
      renameSync(`${file}.part`, file);
    }
    return file;
  }
  async fetchSource(name: string): Promise<Package> {
    const entry = (await this.list(`dists/${SUITE}/main/source/Sources.gz`)).get(name);
    const found = entry === undefined ? null : upstream(entry);
    if (!found) throw new FaultError("images.package", `The mirror has no source package ${name}.`, `Name a mirror of Debian ${SUITE} with its main component.`);
    return { name, version: found.version, architecture: "source", sha256: found.sha256, file: await this.keep(name, `${found.folder}/${found.file}`, found.sha256) };
  }
  async fetch(name: string, architecture: string, follow?: RegExp): Promise<Package> {
    const entry = (await this.list(`dists/${SUITE}/main/binary-${architecture}/Packages.gz`)).get(name);
    if (!entry) throw new FaultError("images.package", `The mirror has no package ${name} for ${architecture}.`, `Name a mirror of Debian ${SUITE} with its main component.`);
    if (follow) {
      const target = (/^Depends: (.*)$/m.exec(entry)?.[1] ?? "").split(/[,|]/).map((d) => d.trim().split(/[ (]/)[0] ?? "").find((d) => follow.test(d));
      if (target) return this.fetch(target, architecture);
    }
    const field = (f: string) => new RegExp(`^${f}: (.*)$`, "m").exec(entry)?.[1] ?? "";
    const file = await this.keep(name, field("Filename"), field("SHA256"));
    return { name, version: field("Version"), architecture, sha256: field("SHA256"), file };
  }
}

/** Members of a package's data archive that `wanted` accepts: path without leading "./" to bytes. Symbolic links give their target. */
export async function unpack(pkg: Package, wanted: (path: string) => boolean): Promise<Map<string, Uint8Array>> {
  const deb = readFileSync(pkg.file);
  if (pkg.architecture === "source") return untar(pkg, pkg.file, deb, wanted);
  const found = new Map<string, Uint8Array>();
  if (deb.subarray(0, 8).toString() !== "!<arch>\n") {
    rmSync(pkg.file);
    throw new FaultError("images.package", `${basename(pkg.file)} is not a Debian package.`, "Run npm run images again.");
  }
  let at = 8;
  while (at + 60 <= deb.length) {
    const name = deb.subarray(at, at + 16).toString().trim().replace(/\/$/, "");
    const size = Number(deb.subarray(at + 48, at + 58).toString().trim());
    const body = deb.subarray(at + 60, at + 60 + size);
    at += 60 + size + (size & 1);
    if (name.startsWith("data.tar")) for (const [path, bytes] of await untar(pkg, name, body, wanted)) found.set(path, bytes);
  }
  return found;
}
async function untar(pkg: Package, name: string, body: Buffer, wanted: (path: string) => boolean): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  let tar: Buffer;
  if (name.endsWith(".xz") && has("xz")) tar = execFileSync("xz", ["-dc"], { input: body, maxBuffer: 1 << 30 });
  else if (name.endsWith(".xz")) {
    const stream = new xz.XzReadableStream(Readable.toWeb(Readable.from([body])) as ReadableStream<Uint8Array>);
    tar = Buffer.from(await new Response(stream).arrayBuffer());
  } else if (name.endsWith(".gz")) tar = gunzipSync(body);
  else if (name === "data.tar") tar = body;
  else throw new FaultError("images.package", `${basename(pkg.file)}: cannot unpack ${name}.`);
  const reader = extract();
  reader.on("entry", (header, stream, next) => {
    const path = header.name.replace(/^\.?\//, "");
    const parts: Buffer[] = [];
    const keep = wanted(path);
    stream.on("data", (chunk: unknown) => {
      if (keep) parts.push(chunk as Buffer);
    });
    stream.on("end", () => {
      if (keep && header.type === "file") found.set(path, Buffer.concat(parts));
      if (keep && header.type === "symlink") found.set(path, Buffer.from(header.linkname ?? ""));
      next();
    });
    stream.resume();
  });
  await new Promise<void>((resolve, reject) => {
    reader.on("finish", () => resolve());
    reader.on("error", reject);
    reader.end(tar);
  });
  return found;
}
/** The one file that a recipe needs; FaultError when the package has changed its layout. */
export function need(files: Map<string, Uint8Array>, path: string, pkg: Package): Uint8Array {
  const bytes = files.get(path);
  if (!bytes) throw new FaultError("images.layout", `The package ${pkg.name} ${pkg.version} holds no ${path}.`, "The archive moved on; the recipe must follow.");
  return bytes;
}
