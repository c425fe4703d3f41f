// The system-mode half of npm run fuzz:isa: random cases in every mode on our board, interpreted and translated, against Bochs, with QEMU's TCG as a
// second opinion (workers/conformance/fuzz-system). A case on which we differ from Bochs is cut down to the fewest instructions and changed bits
// that still differ, printed, and with --keep stored. Without Bochs: interpreter against translator only.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadDriver, packStored, readStored, runOurs, STORED, type StoredCase } from "../workers/conformance/fuzz-system/board.ts";
import { MODE_NAMES, type SystemCase, systemCase } from "../workers/conformance/fuzz-system/forms.ts";
import { difference, listing, recordOf, runRecords } from "../workers/conformance/fuzz-system/rom.ts";
import { coreBinary } from "../workers/conformance/harness/core-wasm.ts";
import type { Random } from "../workers/conformance/harness/encode.ts";
import { runBochs, runQemu } from "../workers/conformance/system/oracles.ts";

const BATCH = 180;
const HANG_MS = 8000;
/** Rounds of cutting down, and findings of one kind shown. */
const ROUNDS = 12;
const SHOWN = 3;

export interface SystemFuzz {
  readonly cases: number;
  readonly findings: number;
  readonly kinds: ReadonlyMap<string, number>;
}
export async function fuzzSystem(rng: Random, seconds: number, longest: number, keep: boolean, corpus = 0): Promise<SystemFuzz> {
  const core = coreBinary();
  const driver = loadDriver();
  const work = mkdtempSync(join(tmpdir(), "guesthouse-fuzz-system-"));
  const rom = join(work, "rom.bin");
  const has = (name: string) => spawnSync(name, ["--help"], { timeout: 5000 }).error === undefined;
  const [bochs, qemu] = [has("bochs"), has("qemu-system-x86_64")];
  if (!bochs) console.log("no Bochs: interpreter against translator only");
  const put = (bytes: Uint8Array) => {
    writeFileSync(rom, bytes);
    return rom;
  };
  const byBochs = (records: readonly Uint8Array[]) => (bochs ? runRecords(driver, records, (r) => runBochs(put(r), undefined, work, HANG_MS)) : Promise.resolve(records.map(() => "")));
  const byQemu = (records: readonly Uint8Array[]) => (qemu ? runRecords(driver, records, (r) => runQemu(put(r), "max,vendor=GenuineIntel", work, HANG_MS)) : Promise.resolve(records.map(() => "")));

  /** Which of the cases differ, and how. An oracle that hung says nothing. */
  async function judge(records: readonly Uint8Array[]): Promise<{ what: string; expected: string }[]> {
    const theirs = await byBochs(records);
    const ours = await runOurs(core, records);
    const fast = await runOurs(core, records, "jit");
    return records.map((_, i) => {
      const [o, f, b] = [ours[i] as string, fast[i] as string, theirs[i] as string];
      if (o !== f) return { what: `translator and interpreter: ${difference(f, o)}`, expected: b };
      if (b === "" || b === "(no end)") return { what: "", expected: b };
      const d = difference(o, b);
      return { what: d && `interpreter and Bochs: ${d}`, expected: b };
    });
  }
  function shorter(c: SystemCase): SystemCase[] {
    return [
      ...c.parts.map((_, i) => ({ ...c, parts: c.parts.filter((__, n) => n !== i) })),
      ...c.pokes.map((_, i) => ({ ...c, pokes: c.pokes.filter((__, n) => n !== i) })),
      ...(c.flags !== 2 ? [{ ...c, flags: 2 }] : []),
      ...(c.cr4 & ~0x20 ? [{ ...c, cr4: c.cr4 & 0x20 }] : []),
      ...(c.cr0 & 0x5003e ? [{ ...c, cr0: (c.cr0 & ~0x5003e) >>> 0 }] : []),
    ];
  }
  async function minimise(first: SystemCase): Promise<SystemCase> {
    let best = first;
    for (let round = 0; round < ROUNDS; round++) {
      const tries = shorter(best);
      if (tries.length === 0) break;
      const verdicts = await judge(tries.map(recordOf));
      const at = verdicts.findIndex((v) => v.what !== "");
      if (at < 0) break;
      best = tries[at] as SystemCase;
    }
    return best;
  }
  const end = Date.now() + seconds * 1000;
  const kinds = new Map<string, number>();
  const stored: StoredCase[] = [];
  let cases = 0;
  let findings = 0;
  while (Date.now() < end) {
    const batch = Array.from({ length: BATCH }, () => systemCase(rng, longest));
    const verdicts = await judge(batch.map(recordOf));
    cases += batch.length;
    for (const [i, v] of verdicts.entries()) {
      if (v.what === "") {
        if (stored.length < corpus && v.expected !== "" && !v.expected.startsWith("(")) stored.push({ record: recordOf(batch[i] as SystemCase), expected: v.expected });
        continue;
      }
      findings++;
      const rough = `${MODE_NAMES[(batch[i] as SystemCase).mode]}: ${v.what.split(": ")[0]}, ${v.what.replace(/=\S+ not \S+/g, "").replace(/\[\w+\]/g, "memory").slice(0, 60)}`;
      const before = kinds.get(rough) ?? 0;
      kinds.set(rough, before + 1);
      if (before >= SHOWN || Date.now() > end) continue;
      const least = recordOf(await minimise(batch[i] as SystemCase));
      const [again] = await judge([least]);
      const [second] = await byQemu([least]);
      const said = second === "" ? "" : second === again?.expected ? " (QEMU as Bochs)" : difference(second as string, (await runOurs(core, [least]))[0] as string) === "" ? " (QEMU as ours)" : " (QEMU as neither)";
      console.log(`${(again?.what || v.what).slice(0, 400)}${said}\n${listing(least)}\n`);
      if (keep && again?.expected && !again.expected.startsWith("(no")) stored.push({ record: least, expected: again.expected });
    }
  }
  if (stored.length && (keep || corpus)) writeFileSync(STORED, packStored([...(existsSync(STORED) ? readStored() : []), ...stored]));
  return { cases, findings, kinds };
}
