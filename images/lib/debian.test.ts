// Packages from a mirror: a local server with one made .deb (ar with a tar.gz), its list, and everything that can be wrong with them.

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { need, packageSource, unpack } from "./debian.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
function member(name: string, body: Buffer): Buffer {
  const head = `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(body.length).padEnd(10)}\`\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body, Buffer.alloc(body.length & 1, "\n")]);
}
async function deb(): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: "./usr/share/tiny/hello" }, "hello from a package\n");
  tar.entry({ name: "./usr/share/tiny/link", type: "symlink", linkname: "hello" });
  tar.entry({ name: "./etc/other" }, "not asked for");
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar) parts.push(part as Buffer);
  return Buffer.concat([Buffer.from("!<arch>\n"), member("debian-binary", Buffer.from("2.0\n")), member("control.tar.gz", gzipSync("odd")), member("data.tar.gz", gzipSync(Buffer.concat(parts)))]);
}
const FILE = "pool/main/t/tiny/tiny_1.2-3_amd64.deb";
const LIST = "dists/bookworm/main/binary-amd64/Packages.gz";
const list = (hash: string) =>
  gzipSync(`Package: tiny-meta\nVersion: 9\nDepends: libc6 (>= 2), tiny (= 1.2-3) | other\nFilename: none\nSHA256: 0\n\nPackage: tiny\nVersion: 1.2-3\nArchitecture: amd64\nFilename: ${FILE}\nSize: 1\nSHA256: ${hash}\n`);

let server: Server;
let address: string;
let good: Buffer;
let cache: string;
let files: { [path: string]: Buffer };
let asked: string[];
beforeAll(async () => {
  good = await deb();
  server = createServer((request, response) => {
    const path = (request.url ?? "").slice("/debian/".length);
    asked.push(path);
    const body = files[path];
    response.statusCode = body ? 200 : 404;
    response.end(body ?? "no");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian/`;
});
afterAll(() => server.close());
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "gh-mirror-"));
  files = { [LIST]: list(sha256(good)), [FILE]: good };
  asked = [];
});
afterEach(() => rmSync(cache, { recursive: true }));
const fault = (code: string, sentence: RegExp) => ({ fault: { code, message: expect.stringMatching(sentence), hint: expect.any(String) } });

describe("a mirror", () => {
  test("gives a package with its version and hash, once; it unpacks", async () => {
    const source = packageSource(cache, address);
    const pkg = await source.fetch("tiny", "amd64");
    expect(pkg).toMatchObject({ name: "tiny", version: "1.2-3", architecture: "amd64", sha256: sha256(good) });
    expect(readFileSync(pkg.file)).toEqual(good);
    await source.fetch("tiny", "amd64");
    await packageSource(cache, address).fetch("tiny", "amd64");
    expect(asked).toEqual([LIST, FILE, LIST]);
    const found = await unpack(pkg, (path) => path.startsWith("usr/"));
    expect([...found].map(([path, bytes]) => [path, Buffer.from(bytes).toString()])).toEqual([["usr/share/tiny/hello", "hello from a package\n"], ["usr/share/tiny/link", "hello"]]);
    expect(() => need(found, "usr/share/tiny/gone", pkg)).toThrow("The package tiny 1.2-3 holds no usr/share/tiny/gone.");
  });
  test("a metapackage is followed to its dependency", async () => {
    expect(await packageSource(cache, address).fetch("tiny-meta", "amd64", /^tiny$/)).toMatchObject({ name: "tiny", version: "1.2-3" });
  });
  test("a source package is its author's archive", async () => {
    const tar = pack();
    tar.entry({ name: "tiny-1.2/main.c" }, "int main;\n");
    tar.finalize();
    const parts: Buffer[] = [];
    for await (const part of tar) parts.push(part as Buffer);
    const archive = gzipSync(Buffer.concat(parts));
    const entry = (hash: string) =>
      gzipSync(`Package: tiny\nVersion: 1.2-3\nDirectory: pool/main/t/tiny\nChecksums-Sha256:\n ${"0".repeat(64)} 7 tiny_1.2-3.dsc\n ${hash} ${archive.length} tiny_1.2.orig.tar.gz\n ${"1".repeat(64)} 9 tiny_1.2-3.debian.tar.xz\nHomepage: none\n\nPackage: native\nVersion: 1\nDirectory: d\nChecksums-Sha256:\n ${hash} 1 native_1.tar.gz\n`);
    const SOURCES = "dists/bookworm/main/source/Sources.gz";
    const TAR = "pool/main/t/tiny/tiny_1.2.orig.tar.gz";
    files = { [SOURCES]: entry(sha256(archive)), [TAR]: archive };
    const pkg = await packageSource(cache, address).fetchSource("tiny");
    expect(pkg).toMatchObject({ name: "tiny", version: "1.2-3", architecture: "source", sha256: sha256(archive) });
    expect([...(await unpack(pkg, (p) => p.endsWith(".c")))].map(([p, b]) => [p, Buffer.from(b).toString()])).toEqual([["tiny-1.2/main.c", "int main;\n"]]);
    await packageSource(cache, address).fetchSource("tiny");
    expect(asked).toEqual([SOURCES, TAR, SOURCES]);
    for (const name of ["huge", "native"]) await expect(packageSource(cache, address).fetchSource(name)).rejects.toMatchObject(fault("images.package", new RegExp(`no source package ${name}`)));
    rmSync(pkg.file);
    files = { [SOURCES]: entry(sha256(Buffer.from("other"))), [TAR]: archive };
    await expect(packageSource(cache, address).fetchSource("tiny")).rejects.toMatchObject(fault("images.hash", /tiny arrived with another hash/));
  });
  test("a damaged package is refused and not kept", async () => {
    const damaged = Buffer.from(good);
    damaged[100] = (damaged[100] as number) ^ 1;
    files[FILE] = damaged;
    const source = packageSource(cache, address);
    await expect(source.fetch("tiny", "amd64")).rejects.toMatchObject(fault("images.hash", /tiny arrived with another hash/));
    files[FILE] = good;
    expect(await source.fetch("tiny", "amd64")).toMatchObject({ version: "1.2-3" });
  });
  test("an unknown package, a missing file, a damaged list, an architecture without a list", async () => {
    await expect(packageSource(cache, address).fetch("huge", "amd64")).rejects.toMatchObject(fault("images.package", /no package huge for amd64/));
    await expect(packageSource(cache, address).fetch("tiny", "i386")).rejects.toMatchObject(fault("images.mirror", /answered 404 for dists.*binary-i386/));
    delete files[FILE];
    await expect(packageSource(cache, address).fetch("tiny", "amd64")).rejects.toMatchObject(fault("images.mirror", /answered 404 for pool/));
    files[LIST] = Buffer.from("<html>");
    await expect(packageSource(cache, address).fetch("tiny", "amd64")).rejects.toMatchObject(fault("images.mirror", /list .*Packages\.gz is damaged/));
  });
  test("a package file that is none", async () => {
    files[FILE] = Buffer.from("not an archive");
    files[LIST] = list(sha256(files[FILE] as Buffer));
    const pkg = await packageSource(cache, address).fetch("tiny", "amd64");
    await expect(unpack(pkg, () => true)).rejects.toMatchObject(fault("images.package", /tiny_1\.2-3_amd64\.deb is not a Debian package/));
  });
  test("a server that is down", async () => {
    const closed = createServer();
    await new Promise<void>((done) => closed.listen(0, "127.0.0.1", done));
    const { port } = closed.address() as AddressInfo;
    await new Promise((done) => closed.close(done));
    await expect(packageSource(cache, `http://127.0.0.1:${port}`).fetch("tiny", "amd64")).rejects.toMatchObject(fault("images.mirror", /does not answer: .*ECONNREFUSED/));
  });
});
