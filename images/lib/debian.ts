// Debian packages by name: downloaded with apt where there is one (private lists, so that i386 needs no change to the system), or from a mirror
// named on the command line. Archives move on: the newest version of the series is taken and recorded, an old pin never breaks a build.
// Unpacking is done here (ar, xz or gzip, tar), so dpkg is not needed.

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
    const known = readdirSync(dir).find((f) => f.startsWith(`${name}_`) && f.endsWith(`_${architecture}.deb`) && sha256(readFileSync(join(dir, f))) === expected);
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
  private async list(architecture: string): Promise<Map<string, string>> {
    let list = this.lists.get(architecture);
    if (!list) {
      const path = `dists/${SUITE}/main/binary-${architecture}/Packages.gz`;
      const packed = await this.get(path);
      let text: string;
      try {
        text = gunzipSync(packed).toString("utf8");
      } catch {
        throw new FaultError("images.mirror", `The mirror's list ${path} is damaged.`, "Run npm run images again; if it stays, the mirror is broken.");
      }
      list = new Map(text.split("\n\n").map((p) => [/^Package: (.*)$/m.exec(p)?.[1] ?? "", p] as const));
      this.lists.set(architecture, list);
    }
    return list;
  }
  async fetch(name: string, architecture: string, follow?: RegExp): Promise<Package> {
    const entry = (await this.list(architecture)).get(name);
    if (!entry) throw new FaultError("images.package", `The mirror has no package ${name} for ${architecture}.`, `Name a mirror of Debian ${SUITE} with its main component.`);
    if (follow) {
      const target = (/^Depends: (.*)$/m.exec(entry)?.[1] ?? "").split(/[,|]/).map((d) => d.trim().split(/[ (]/)[0] ?? "").find((d) => follow.test(d));
      if (target) return this.fetch(target, architecture);
    }
    const field = (f: string) => new RegExp(`^${f}: (.*)$`, "m").exec(entry)?.[1] ?? "";
    const dir = join(this.cache, "packages");
    mkdirSync(dir, { recursive: true });
    const file = join(dir, basename(field("Filename")));
    if (!existsSync(file) || sha256(readFileSync(file)) !== field("SHA256")) {
      const bytes = await this.get(field("Filename"));
      if (sha256(bytes) !== field("SHA256")) throw new FaultError("images.hash", `${name} arrived with another hash than the mirror's list says.`, "Run npm run images again; if it stays, the mirror is broken.");
      writeFileSync(`${file}.part`, bytes);
      renameSync(`${file}.part`, file);
    }
    return { name, version: field("Version"), architecture, sha256: field("SHA256"), file };
  }
}

/** Members of a package's data archive that `wanted` accepts: path without leading "./" to bytes. Symbolic links give their target. */
export async function unpack(pkg: Package, wanted: (path: string) => boolean): Promise<Map<string, Uint8Array>> {
  const deb = readFileSync(pkg.file);
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
    if (!name.startsWith("data.tar")) continue;
    let tar: Buffer;
    if (name.endsWith(".xz")) {
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
  }
  return found;
}
/** The one file that a recipe needs; FaultError when the package has changed its layout. */
export function need(files: Map<string, Uint8Array>, path: string, pkg: Package): Uint8Array {
  const bytes = files.get(path);
  if (!bytes) throw new FaultError("images.layout", `The package ${pkg.name} ${pkg.version} holds no ${path}.`, "The archive moved on; the recipe must follow.");
  return bytes;
}
