// Boots of real guests in Node: slow, one after the other.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    globalSetup: ["scripts/vitest-setup.ts"],
    include: ["workers/**/*.boot.ts"],
    fileParallelism: false,
    testTimeout: 400_000,
  },
});
