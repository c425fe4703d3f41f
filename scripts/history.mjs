// npm run history [-- TIMES]: goes back and forth ten thousand random times in a recorded machine, interpreted and translated, and compares the hash of the whole
// state with what it was the first time (workers/snapshots/time-travel.test.ts; the normal suite has a slice of 25).

import { spawnSync } from "node:child_process";

const times = process.argv[2] ?? "10000";
if (!/^[1-9]\d*$/.test(times)) {
  console.error(`history: "${times}" is no number of times`);
  process.exit(2);
}

const { status } = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", "run", "workers/snapshots/time-travel.test.ts", "-t", "random moments"], { stdio: "inherit", env: { ...process.env, GUESTHOUSE_SLOW: "1", GUESTHOUSE_TIMES: times } });
process.exit(status ?? 1);
