// npm start: installs, builds the core and the default guests, serves the page and prints the address. Later starts take seconds.

import { buildCore, buildImages, buildRestOfImages, install, run, tool } from "./steps.mjs";

install();
buildCore();
buildImages("--first");
buildRestOfImages();
run(tool("vite"), ["--host", "localhost", ...process.argv.slice(2)]);
