// Boots of real guests in Node: slow, one after the other.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    globalSetup: ["scripts/vitest-setup.ts"],
    include: ["workers/**/*.boot.ts"],
    fileParallelism: false,
    // Guests whose time is the host's; what fails twice is broken. Vitest names what it had to repeat.
    retry: 1,
    testTimeout: 400_000,
  },
});
