// The steps that npm start, npm test and CI share: install packages when the lock file changed, build the core, build the guests. Plain Node, no
// packages: this runs before anything is installed.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

/** Runs a command in the repository; ends this process when it fails. `allowFailure` returns its status instead. */
export function run(command, args, { allowFailure = false, env = {} } = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  const status = result.status ?? 1;
  if (status !== 0 && !allowFailure) {
    console.error(`guesthouse: "${[command, ...args].join(" ")}" failed.`);
    process.exit(status);
  }
  return status;
}
/** Path of a tool of an installed package. */
export function tool(name) {
  return join(root, "node_modules/.bin", name);
}
export function install() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) {
    console.error(`guesthouse: Node ${process.versions.node} is too old. Install Node 20 or newer.`);
    process.exit(1);
  }
  const digest = createHash("sha256").update(readFileSync(join(root, "package-lock.json"))).digest("hex");
  const stamp = join(root, "node_modules/.guesthouse-installed");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  console.log("guesthouse: installing packages");
  // Not "npm ci": it refuses a lock file that lacks optional packages of other platforms, which a partial registry mirror cannot list.
  // --no-save keeps to the lock file and leaves it as it is.
  run(npm, ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}
export function buildCore() {
  run(process.execPath, [join(root, "scripts/build-core.mjs")]);
}
const imagesScript = ["--import", "tsx", join(root, "images/build.ts")];
/** Guests that cannot be built are reported by the script itself and do not stop the start. */
export function buildImages(...flags) {
  run(process.execPath, [...imagesScript, ...flags], { allowFailure: true });
}
/** Builds the rest while the page is served; it ends with this process. */
export function buildRestOfImages() {
  spawn(process.execPath, [...imagesScript, "--later"], { cwd: root, stdio: "inherit" });
}
/** Debian packages that tests need, installed when this is a Debian machine and the user may. Returns what is still missing. */
export function needPrograms(programs) {
  const has = (p) => spawnSync("sh", ["-c", `command -v ${p}`], { stdio: "ignore" }).status === 0;
  let missing = Object.entries(programs).filter(([p]) => !has(p));
  if (missing.length && has("apt-get") && process.getuid?.() === 0) {
    const packages = missing.map(([, pkg]) => pkg);
    console.log(`guesthouse: installing ${packages.join(", ")}`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const quiet = { stdio: ["ignore", "ignore", "inherit"], env };
    spawnSync("apt-get", ["update", "-qq"], { stdio: "ignore", env });
    spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], quiet);
    missing = missing.filter(([p]) => !has(p));
  }
  return missing.map(([p]) => p);
}
