// Which description a file is, by its name.

import type { Appliance } from "./appliance.ts";
import { parseVbox, parseVmc, parseVmx } from "./others.ts";
import { parseOvf } from "./ovf.ts";

export type { Appliance } from "./appliance.ts";
export { SOURCE } from "./appliance.ts";
const readers: { readonly [ending: string]: (bytes: Uint8Array, what: string) => Appliance } = { ovf: parseOvf, vmx: parseVmx, vbox: parseVbox, vmc: parseVmc };
const ending = (name: string) => name.toLowerCase().split(".").pop() ?? "";
export const isDescription = (name: string): boolean => Object.hasOwn(readers, ending(name));
export function parseDescription(name: string, bytes: Uint8Array): Appliance {
  const reader = readers[ending(name)];
  if (!reader) throw new Error(`${name} describes no machine`);
  return reader(bytes, name);
}
