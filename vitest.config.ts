// Unit, contract and conformance tests: Node only. Browser tests (*.browser.test.ts) and e2e have their own runners.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    globalSetup: ["scripts/vitest-setup.ts"],
    include: ["workers/**/*.test.ts", "src/**/*.test.ts", "scripts/**/*.test.ts", "images/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/*.browser.test.ts"],
    testTimeout: 60_000,
  },
});
