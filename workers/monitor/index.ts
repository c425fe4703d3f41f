// Every command of the monitor: the console, the page's buttons and the tests use the same ones (registry.ts has the parser).

import type { AnyCommand, MonitorContext } from "./command.ts";
import { debugCommands } from "./debug.ts";
import { historyCommands } from "./history.ts";
import { inspectCommands } from "./inspect.ts";
import { lifecycleCommands } from "./lifecycle.ts";
import { lookCommands } from "./look.ts";
import { memoryCommands } from "./memory.ts";
import { type Monitor, monitorOf } from "./registry.ts";
import { shareCommands } from "./share.ts";
import { snapshotCommands } from "./snapshots.ts";
import { traceCommands } from "./trace.ts";

export type { MonitorContext } from "./command.ts";
export { type Monitor, splitWords } from "./registry.ts";

/** Every command there is; add a list here. */
const declared: readonly AnyCommand[] = [...lifecycleCommands, ...inspectCommands, ...lookCommands, ...memoryCommands, ...traceCommands, ...debugCommands, ...historyCommands, ...snapshotCommands, ...shareCommands];

export function createMonitor(context: MonitorContext, more: readonly AnyCommand[] = []): Monitor {
  return monitorOf(context, [...declared, ...more]);
}
