// Disks on web servers, from a server of this process: pieces by Range and by hash, servers without ranges, networks that fail in the middle, files that
// change, pieces that are damaged; what a person is told, and that the next read works.
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FaultError } from "../../src/contract/schema.ts";
import { NodeFile } from "../backends/byte-file.node.ts";
import { type ByteFile, MemoryFile } from "../backends/byte-file.ts";
import { httpFile, type RemoteOptions } from "../backends/block-remote.ts";
import { createQcow2 } from "../backends/formats/qcow2.ts";
import { openImage } from "../backends/formats/index.ts";
import { later, now } from "../backends/io.ts";
import { noise } from "../backends/testing/noise.ts";
import { hostedFile } from "./hosted-file.ts";
import { HOSTED_DISK, saveHosted } from "./hosted-save.node.ts";
import { namedSurroundings } from "./named-file.node.ts";

const folder = mkdtempSync(join(tmpdir(), "guesthouse-remote-"));
const roll = noise(5);
/** 3 MiB and a piece; the second MiB is zeros. */
const disk = Uint8Array.from({ length: (3 << 20) + 70_000 }, (_, i) => (i >> 20 === 1 ? 0 : roll() * 256));

/** How the server behaves, and what it was asked. */
let answer: (request: IncomingMessage, response: ServerResponse) => boolean;
let etag: string;
let asked: string[];
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url} ${request.headers.range ?? ""}`.trim());
  if (answer(request, response)) return;
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(join(folder, request.url as string)));
  } catch {
    response.writeHead(404).end();
    return;
  }
  response.setHeader("ETag", etag);
  const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "");
  if (!range) {
    response.setHeader("Content-Length", bytes.length);
    response.end(request.method === "HEAD" ? undefined : bytes);
    return;
  }
  const from = Number(range[1]);
  const to = Math.min(Number(range[2]) + 1, bytes.length);
  response.writeHead(206, { "Content-Range": `bytes ${from}-${to - 1}/${bytes.length}`, "Content-Length": to - from });
  response.end(bytes.subarray(from, to));
});
let base = "";
beforeAll(async () => {
  writeFileSync(join(folder, "disk.img"), disk);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
let told: (string | null)[];
const options: RemoteOptions = { pause: async () => {}, trouble: (fault) => void told.push(fault?.fault.code ?? null) };
beforeEach(() => {
  answer = () => false;
  etag = '"1"';
  asked = [];
  told = [];
});
async function read(file: ByteFile, at: number, length: number): Promise<Uint8Array> {
  const into = new Uint8Array(length).fill(0xcc);
  await later(file.read(at, into));
  return into;
}
const code = (work: Promise<unknown>) => work.then(() => "nothing", (error: FaultError) => error.fault.code);
const places = [[0, 512], [(1 << 20) - 700, 1400], [1_500_000, 4096], [(2 << 20) - 5, 300_000], [disk.length - 10, 10]] as const;

describe("a file on a web server", () => {
  test("is fetched as it is touched", async () => {
    const file = await httpFile(`${base}/disk.img`, options);
    expect([file.size, file.fingerprint]).toEqual([disk.length, `${disk.length} "1"`]);
    for (const [at, length] of places) expect(await read(file, at, length)).toEqual(disk.slice(at, at + length));
    expect(asked.every((a) => a.includes("bytes="))).toBe(true);
    expect((await read(file, disk.length - 4, 8)).slice(4)).toEqual(new Uint8Array(4));
    await expect(later(file.write(0, new Uint8Array(1)))).rejects.toMatchObject({ fault: { code: "block.readonly" } });
  });
  test("comes whole, with progress, from a server without ranges", async () => {
    answer = (request) => {
      delete request.headers.range;
      return false;
    };
    const seen: [number, number][] = [];
    const file = await httpFile(`${base}/disk.img`, { ...options, progress: (loaded, total) => void seen.push([loaded, total]) });
    expect(seen[0]).toEqual([0, disk.length]);
    expect(seen.at(-1)).toEqual([disk.length, disk.length]);
    expect(await read(file, 5, 100)).toEqual(disk.slice(5, 105));
    expect(asked).toHaveLength(1);
  });
  test("is refused by name", async () => {
    expect(await code(httpFile(`${base}/none.img`, options))).toBe("url.status");
    expect(await code(httpFile("http://127.0.0.1:1/x", options))).toBe("url.unreachable");
    answer = (_request, response) => {
      response.writeHead(200, { "Content-Length": 2 ** 32 }).write("x");
      return true;
    };
    expect(await code(httpFile(`${base}/disk.img`, options))).toBe("url.ranges");
    answer = (_request, response) => {
      response.writeHead(200, { "Content-Length": 1000 }).write("x", () => response.destroy());
      return true;
    };
    expect(await code(httpFile(`${base}/disk.img`, options))).toBe("source.network");
    answer = (_request, response) => {
      response.writeHead(206, { "Content-Length": 1 }).end("x");
      return true;
    };
    expect(await code(httpFile(`${base}/disk.img`, options))).toBe("nothing"); // HEAD told the size: 1
    answer = (request, response) => {
      if (request.method === "HEAD") response.writeHead(405).end();
      else response.writeHead(206, { "Content-Length": 1 }).end("x");
      return true;
    };
    expect(await code(httpFile(`${base}/disk.img`, options))).toBe("url.size");
  });
  test("a network that fails is asked again; then the read fails, the person is told once, and the next read works", async () => {
    const file = await httpFile(`${base}/disk.img`, options);
    let left = 3;
    answer = (request, response) => {
      if (left-- <= 0) return false;
      if (left === 0) response.writeHead(503).end();
      else if (left === 1) request.socket.destroy();
      else response.writeHead(206, { "Content-Length": 10 }).end("too short.");
      return true;
    };
    expect(await read(file, 100, 50)).toEqual(disk.slice(100, 150));
    expect([left, told]).toEqual([-1, [null]]);
    answer = (request) => {
      request.socket.destroy();
      return true;
    };
    asked = [];
    expect(await code(read(file, 2 << 20, 10))).toBe("url.offline");
    expect([asked.length, told]).toEqual([6, [null, "url.offline"]]);
    // What was read stays readable, what was not is there again with the network.
    expect(await read(file, 100, 50)).toEqual(disk.slice(100, 150));
    answer = () => false;
    expect(await read(file, 2 << 20, 10)).toEqual(disk.slice(2 << 20, (2 << 20) + 10));
    expect(told.at(-1)).toBe(null);
  });
  test("a file that changed is not mixed with what it was", async () => {
    const file = await httpFile(`${base}/disk.img`, options);
    etag = '"2"';
    expect(await code(read(file, 0, 10))).toBe("url.changed");
    etag = '"1"';
    answer = (_request, response) => {
      response.writeHead(416).end();
      return true;
    };
    expect(await code(read(file, 0, 10))).toBe("url.changed");
    answer = (_request, response) => {
      response.writeHead(404).end();
      return true;
    };
    asked = [];
    expect(await code(read(file, 0, 10))).toBe("url.status");
    expect(asked).toHaveLength(1);
  });
  test("an image of a server stands on files there, never on files of this computer; an image here may stand on a server", async () => {
    const over = (name: string, backing: string) => {
      const file = new MemoryFile();
      now(createQcow2(file, { size: 4 << 20, backingName: backing, backingFormat: "raw" }));
      writeFileSync(join(folder, name), file.bytes);
    };
    over("over.qcow2", "disk.img");
    over("thief.qcow2", "C:/secret");
    over("there.qcow2", "/etc/hostname");
    over("local.qcow2", `${base}/disk.img`);
    const open = async (name: string) => later(openImage(name === "local.qcow2" ? new NodeFile(join(folder, name), "read") : await httpFile(`${base}/${name}`, options), { readOnly: true, around: namedSurroundings(options) }));
    for (const name of ["over.qcow2", "local.qcow2"]) {
      const image = await open(name);
      const into = new Uint8Array(1000);
      await later(image.read(2 << 20, into));
      expect(into).toEqual(disk.slice(2 << 20, (2 << 20) + 1000));
    }
    expect(await code(open("thief.qcow2"))).toBe("image.foreign");
    expect(await code(open("there.qcow2"))).toBe("url.status");
  });
});

describe("a disk in content-addressed pieces", () => {
  let hash = "";
  const source = (more = "") => `${base}/site/${HOSTED_DISK}#sha256=${hash}${more}`;
  beforeAll(async () => {
    ({ sha256: hash } = await saveHosted(join(folder, "disk.img"), join(folder, "site")));
  });
  test("is fetched as it is touched, each piece once; zeros are nowhere", async () => {
    const chunks = readdirSync(join(folder, "site/chunks"));
    for (const name of chunks) expect(createHash("sha256").update(readFileSync(join(folder, "site/chunks", name))).digest("hex")).toBe(name);
    const file = await hostedFile(source(), options);
    expect([file.size, file.fingerprint]).toEqual([disk.length, `${hash} bundle:0`]);
    expect(await read(file, 1_500_000, 4096)).toEqual(new Uint8Array(4096));
    expect(asked).toHaveLength(1);
    for (const [at, length] of places) expect(await read(file, at, length)).toEqual(disk.slice(at, at + length));
    expect(asked.length).toBe(1 + chunks.length);
    expect(new Set(asked).size).toBe(asked.length);
    expect(await code(hostedFile(source("&file=disk.img"), options))).toBe("nothing");
    expect(await code(hostedFile(source("&file=other.img"), options))).toBe("chunks.file");
  });
  test("is refused by name: no hash, another hash, no server, no list", async () => {
    for (const bad of ["x", `${base}/site/${HOSTED_DISK}`, `ftp://x/y#sha256=${hash}`, `${base}/site/${HOSTED_DISK}#sha256=12`]) expect(await code(hostedFile(bad, options))).toBe("chunks.address");
    expect(await code(hostedFile(`${base}/site/${HOSTED_DISK}#sha256=${"0".repeat(64)}`, options))).toBe("bundle.bad");
    expect(await code(hostedFile(`${base}/none#sha256=${hash}`, options))).toBe("bundle.missing");
    expect(await code(hostedFile(`http://127.0.0.1:1/x#sha256=${hash}`, options))).toBe("url.unreachable");
    expect(told.filter((t) => t !== null)).toEqual([]);
  });
  test("a damaged piece is fetched past the cache, then refused; a missing one is refused at once; later reads work", async () => {
    const file = await hostedFile(source(), options);
    const spoil = (times: number) => {
      answer = (request, response) => {
        if (!request.url?.includes("chunks") || times-- <= 0) return false;
        response.end("xx");
        return true;
      };
    };
    spoil(1);
    expect(await read(file, 0, 10)).toEqual(disk.slice(0, 10));
    spoil(2);
    expect(await code(read(file, 2 << 20, 10))).toBe("bundle.bad");
    expect(told.filter((t) => t !== null)).toEqual(["bundle.bad"]);
    expect(await read(file, 2 << 20, 10)).toEqual(disk.slice(2 << 20, (2 << 20) + 10));
    answer = (_request, response) => {
      response.writeHead(404).end();
      return true;
    };
    expect(await code(read(file, 3 << 20, 10))).toBe("bundle.missing");
    answer = (request) => {
      request.socket.destroy();
      return true;
    };
    expect(await code(read(file, 3 << 20, 10))).toBe("url.offline");
    answer = () => false;
    expect(await read(file, 3 << 20, 10)).toEqual(disk.slice(3 << 20, (3 << 20) + 10));
  });
});
