// The gdb stub on a TCP port of this computer (-gdb tcp::N, -s): one client at a time, others are refused.

import { createServer, type Server } from "node:net";
import { FaultError } from "../../src/contract/schema.ts";
import { type GdbParts, GdbStub } from "./stub.ts";

/** "tcp::1234", "tcp:localhost:1234"; without a host only this computer can connect. */
export function parseGdbAddress(text: string): { readonly host: string; readonly port: number } {
  const m = /^tcp:([^:]*):(\d+)(?:,.*)?$/.exec(text);
  const port = Number(m?.[2]);
  if (!m || port > 65535) throw new FaultError("gdb.address", `-gdb ${text} is not understood.`, "Write -gdb tcp::1234.");
  return { host: m[1] || "127.0.0.1", port };
}
/** Listens; resolves with the port (another one when 0 was asked for) and what ends it. */
export function startGdbServer(address: { readonly host: string; readonly port: number }, parts: GdbParts): Promise<{ readonly port: number; close(): void }> {
  let busy = false;
  const server: Server = createServer((socket) => {
    if (busy) {
      socket.destroy();
      return;
    }
    busy = true;
    socket.setNoDelay(true);
    const stub = new GdbStub(parts, (bytes) => void socket.write(bytes));
    socket.on("data", (data) => stub.receive(typeof data === "string" ? Buffer.from(data) : data));
    const gone = () => {
      if (!busy) return;
      busy = false;
      stub.close();
    };
    socket.on("close", gone);
    socket.on("error", gone);
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(new FaultError("gdb.listen", `gdb cannot be served at ${address.host}:${address.port}: ${error.code ?? error.message}.`, "Is the port in use? Choose another with -gdb tcp::N.")));
    server.listen(address.port, address.host, () => {
      const bound = server.address();
      resolve({ port: typeof bound === "object" && bound !== null ? bound.port : address.port, close: () => void server.close() });
    });
  });
}
