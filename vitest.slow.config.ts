// Suites that take many minutes, each with an `npm run` name of its own; not part of `npm test`.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    globalSetup: ["scripts/vitest-setup.ts"],
    include: ["workers/**/*.slow.ts"],
    fileParallelism: false,
    testTimeout: 3_600_000,
  },
});
