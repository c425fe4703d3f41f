// qemu-img as a function: `img(words, host)` does what the command line says and gives the exit status. It runs wherever an ImgHost is:
// over files in a terminal (node.ts), over the library in a page. Wording and statuses follow QEMU 7.2's qemu-img (golden/).

import { FaultError } from "../../src/contract/schema.ts";
import type { Io } from "../backends/io.ts";
import { commit, convert, dd, rebase, resize, snapshot } from "./change.ts";
import { create } from "./create.ts";
import type { ImgHost } from "./host.ts";
import { check, compare, info, map, measure } from "./look.ts";
import { ImgError, TRY_HELP } from "./options.ts";

type Command = (args: readonly string[], host: ImgHost) => Io<number>;
const commands: { readonly [name: string]: Command } = { check, commit, compare, convert, create, dd, info, map, measure, rebase, resize, snapshot };

const HELP = `usage: guesthouse img COMMAND [options]   (the same words as qemu-img)

  check [-f FMT] [-r leaks|all] [--output=json] FILE
  commit [-f FMT] [-d] FILE
  compare [-f FMT] [-F FMT] [-s] FILE1 FILE2
  convert [-f FMT] [-O FMT] [-c] [-p] [-n] [-l SNAPSHOT] [-B BACKING -F FMT] [-o OPTIONS] FILE... OUTPUT
  create [-f FMT] [-b BACKING -F FMT] [-o OPTIONS] FILE [SIZE]
  dd [-f FMT] [-O FMT] [bs=N] [count=N] [skip=N] if=FILE of=FILE
  info [-f FMT] [--backing-chain] [--output=json] FILE
  map [-f FMT] [--output=json] FILE
  measure [-O FMT] [-o OPTIONS] [--size N | FILE]
  rebase [-f FMT] [-u] -b BACKING [-F FMT] FILE
  resize [-f FMT] [--shrink] FILE [+|-]SIZE
  snapshot [-l | -a NAME | -c NAME | -d NAME] FILE

Formats: raw qcow2 vmdk vdi vpc vhdx (read and written), qed parallels cloop cow (read)
`;

export function* img(words: readonly string[], host: ImgHost): Io<number> {
  const [name = "", ...args] = words;
  if (name === "--help" || name === "-h" || name === "help" || args[0] === "--help" || args[0] === "-h") {
    host.out(HELP);
    return 0;
  }
  try {
    if (name === "") throw new ImgError(`Not enough arguments\n${TRY_HELP}`);
    if (!Object.hasOwn(commands, name)) throw new ImgError(`Command not found: ${name}\n${TRY_HELP}`);
    return yield* (commands[name] as Command)(args, host);
  } catch (error) {
    if (error instanceof ImgError) {
      host.err(`qemu-img: ${error.message}\n`);
      return error.status;
    }
    if (error instanceof FaultError) {
      host.err(`qemu-img: ${error.fault.message}${error.fault.hint ? ` ${error.fault.hint}` : ""}\n`);
      return 1;
    }
    throw error;
  }
}
