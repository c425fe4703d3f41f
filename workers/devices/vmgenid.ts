// Virtual machine generation ID (Microsoft's paper of that name, QEMU docs/specs/vmgenid and -device vmgenid): 128 bits that change whenever the
// machine goes on from a saved state, a clone or a link, and an ACPI event that says so (DSDT: VGEN, _GPE._E05). Linux from 5.18 on and Windows
// reseed their random numbers then. Wire: "changed". Left out: QEMU's way through firmware (etc/vmgenid_guid); ours lies at a fixed address.

import { FaultError, object, optional, string } from "../../src/contract/schema.ts";
import type { Device, DeviceType, IrqLine, MappedRam, Slot, State } from "../platform/types.ts";
import { readObject } from "./state-reader.ts";

/** Above the HPET and below the local APIC; the identifier is not at the start of its page, as in QEMU. */
export const VMGENID_ADDRESS = 0xfed80000;
export const VMGENID_OFFSET = 40;
const BYTES = 16;

export interface VmGenIdOptions {
  readonly guid: string;
}
export class VmGenId implements Device<State> {
  readonly #page: MappedRam;
  readonly #changed: IrqLine;
  /** Chosen by the person: it never changes. */
  readonly #fixed: boolean;
  constructor(slot: Slot, { guid }: VmGenIdOptions) {
    this.#page = slot.memory(4096, "rom");
    this.#page.map(VMGENID_ADDRESS);
    this.#changed = slot.wire("changed");
    this.#fixed = guid !== "auto";
    if (this.#fixed) this.#id.set(guidBytes(guid));
  }
  get #id(): Uint8Array {
    return this.#page.bytes.subarray(VMGENID_OFFSET, VMGENID_OFFSET + BYTES);
  }
  /** The machine is another one now. `tell`: its guest was running before and shall notice. */
  renew(random: Uint8Array, tell: boolean): void {
    if (this.#fixed) return;
    this.#id.set(random.subarray(0, BYTES));
    if (!tell) return;
    this.#changed.set(true);
    this.#changed.set(false);
  }
  reset(): void {}
  save(): State {
    return { guid: this.#id.slice() };
  }
  load(state: State): void {
    const guid = readObject(state, "vmgenid").bytes("guid", BYTES);
    if (!this.#fixed) this.#id.set(guid);
  }
}
/** The first three fields are little-endian numbers (UEFI's EFI_GUID). */
function guidBytes(text: string): Uint8Array {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i.exec(text);
  if (!match) throw new FaultError("device.guid", `"${text}" is not a GUID.`, "Write auto, or 324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87.");
  const bytes = (hex: string) => (hex.match(/../g) as string[]).map((b) => Number.parseInt(b, 16));
  const [, a, b, c, d, e] = match as unknown as string[];
  return Uint8Array.from([...bytes(a!).reverse(), ...bytes(b!).reverse(), ...bytes(c!).reverse(), ...bytes(d!), ...bytes(e!)]);
}
export const vmgenid = {
  name: "vmgenid",
  summary: "generation ID: guests reseed their random numbers when they go on from a saved state",
  options: object("options of vmgenid", { guid: optional(string("identifier: auto, or a GUID that never changes"), "auto") }),
  version: 1,
  create: (slot: Slot, options: VmGenIdOptions) => new VmGenId(slot, options),
} satisfies DeviceType<VmGenIdOptions, State>;
