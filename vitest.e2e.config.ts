// Browser tests: few and slow, one at a time, in Debian's Chromium. `npm run e2e`.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["e2e/**/*.browser.test.ts"],
    globalSetup: ["e2e/site.ts"],
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 120_000,
    // A page beside a busy machine misses a deadline now and then; what fails twice is broken. Vitest names what it had to repeat.
    retry: 1,
  },
});
