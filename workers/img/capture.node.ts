// Captures what Debian's qemu-img prints for golden/cases.txt: `npx tsx workers/img/capture.node.ts > workers/img/golden/expected.txt`.

import { qemuImg } from "../backends/testing/qemu-img.node.ts";
import { playSessions } from "./sessions.node.ts";

console.log(playSessions((args) => qemuImg(...args)));
