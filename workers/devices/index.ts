// The registry: every device type that a machine can contain, one import and one line each.
// Contract tests, snapshots, forms and the docs table loop over this list.

import type { DeviceType } from "../platform/types.ts";

// biome-ignore lint/suspicious/noExplicitAny: each row has its own option and state types
type AnyDeviceType = DeviceType<any, any>;

export const deviceTypes: readonly AnyDeviceType[] = [
  // keep one per line, grouped by owner file
];

export function deviceType(name: string): AnyDeviceType | undefined {
  return deviceTypes.find((type) => type.name === name);
}
