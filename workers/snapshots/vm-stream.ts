// A saved machine that is still arriving: it can run as soon as the head is here. Chunks of RAM lie in the file in the order in which the guest
// touches them; one that is touched before it arrived is fetched by itself, while the guest waits.

import { FaultError } from "../../src/contract/schema.ts";
import { loadUnzstd } from "../backends/compress.ts";
import type { PackedChunk } from "./ram-keeper.ts";
import { decodeVmHead, type VmState, vmHeadLength } from "./vm-file.ts";

export interface VmStream {
  readonly vm: VmState;
  /** Resolves with the whole file. */
  readonly complete: Promise<Uint8Array>;
}
/** Bytes `from` to `to` (exclusive) at once, or null where that cannot be done. */
export type FetchNow = (from: number, to: number) => Uint8Array | null;

const cut = (arrived: number) => new FaultError("source.network", `The saved machine stopped arriving after ${arrived} bytes.`, "Try again.");

export async function openVmStream(response: Response, total: number, fetchNow: FetchNow, progress: (loaded: number) => void): Promise<VmStream> {
  const zstd = loadUnzstd();
  if (!response.body) throw cut(0);
  const reader = response.body.getReader();
  const bytes = new Uint8Array(total);
  let arrived = 0;
  const pump = async (): Promise<boolean> => {
    const piece = await reader.read().catch(() => {
      throw cut(arrived);
    });
    if (piece.done) return false;
    if (arrived + piece.value.length > total) throw new FaultError("snapshot.bad", "The saved machine is longer than its record says.", "Run npm run images.");
    bytes.set(piece.value, arrived);
    arrived += piece.value.length;
    progress(arrived);
    return true;
  };
  while (arrived < 16 || arrived < vmHeadLength(bytes.subarray(0, arrived))) if (!(await pump())) throw cut(arrived);
  await zstd;
  const chunkAt = (at: number, length: number): PackedChunk => ({
    get bytes() {
      if (at + length <= arrived) return bytes.subarray(at, at + length);
      const now = fetchNow(at, at + length);
      if (now?.length !== length) throw cut(arrived);
      return now;
    },
  });
  const vm = decodeVmHead(bytes.subarray(0, vmHeadLength(bytes.subarray(0, arrived))), total, chunkAt);
  const complete = (async () => {
    while (await pump()) {
      // until the end
    }
    if (arrived !== total) throw cut(arrived);
    return bytes;
  })();
  return { vm, complete };
}
