// A saved machine that is still arriving: it can run as soon as the head is here, with the pages that a start touches in it. From a server that sends
// parts the rest is asked for later, so that it takes nothing from the start. Chunks of RAM lie in the file in the order in which the guest touches
// them; one that is touched before it arrived is fetched by itself, while the guest waits.

import { FaultError } from "../../src/contract/schema.ts";
import { loadUnzstd } from "../backends/compress.ts";
import type { PackedChunk } from "./ram-keeper.ts";
import { decodeVmHead, type VmState } from "./vm-file.ts";

export interface VmStream {
  readonly vm: VmState;
  /** Gets what is not here yet; resolves with the whole file. */
  complete(): Promise<Uint8Array>;
}
/** Bytes `from` to `to` (exclusive) at once, or null where that cannot be done. */
export type FetchNow = (from: number, to: number) => Uint8Array | null;

const cut = (arrived: number) => new FaultError("source.network", `The saved machine stopped arriving after ${arrived} bytes.`, "Try again.");

/** What is known of the file: its length, that of its head, and how a damaged head is refused before anything is made of it. */
export interface Expected {
  readonly total: number;
  readonly head: number;
  check(head: Uint8Array): Promise<void>;
}
/** `rest` asks for what follows, where the response is only the beginning of the file (206). */
export async function openVmStream(response: Response, { total, head, check }: Expected, rest: (from: number) => Promise<Response>, fetchNow: FetchNow, progress: (loaded: number) => void): Promise<VmStream> {
  const zstd = loadUnzstd();
  const readerOf = ({ body }: Response) => {
    if (!body) throw cut(0);
    return body.getReader();
  };
  let reader = readerOf(response);
  const bytes = new Uint8Array(total);
  let arrived = 0;
  /** Where the next piece belongs. */
  let at = 0;
  const pump = async (): Promise<boolean> => {
    const piece = await reader.read().catch(() => {
      throw cut(arrived);
    });
    if (piece.done) return false;
    if (at + piece.value.length > total) throw new FaultError("snapshot.bad", "The saved machine is longer than its record says.", "Run npm run images.");
    bytes.set(piece.value, at);
    at += piece.value.length;
    if (at > arrived) {
      arrived = at;
      progress(arrived);
    }
    return true;
  };
  while (arrived < head) if (!(await pump())) throw cut(arrived);
  await Promise.all([check(bytes.subarray(0, head)), zstd]);
  let completing: Promise<Uint8Array> | null = null;
  const finish = async (): Promise<Uint8Array> => {
    while (await pump()) {
      // until the end
    }
    if (arrived < total && response.status === 206) {
      const more = await rest(arrived);
      if (more.status !== 206) at = 0;
      reader = readerOf(more);
      while (await pump()) {
        // until the end
      }
    }
    if (arrived !== total) throw cut(arrived);
    return bytes;
  };
  const complete = () => (completing ??= finish());
  const chunkAt = (from: number, length: number): PackedChunk => ({
    get bytes() {
      if (from + length <= arrived) return bytes.subarray(from, from + length);
      const now = fetchNow(from, from + length);
      if (now?.length !== length) throw cut(arrived);
      return now;
    },
  });
  const vm = decodeVmHead(bytes.subarray(0, head), total, chunkAt);
  // Nobody can ask this server for the rest alone.
  if (response.status !== 206) complete().catch(() => {}); // whoever waits for it is told
  return { vm, complete };
}
