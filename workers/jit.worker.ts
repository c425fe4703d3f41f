// Entry of the translator's worker in a page. Everything is in cpu/jit/job.ts.

import { serveJobs } from "./cpu/jit/job.ts";

serveJobs({
  post: (message) => self.postMessage(message),
  listen: (listener) => {
    self.onmessage = (event: MessageEvent) => listener(event.data);
  },
});
