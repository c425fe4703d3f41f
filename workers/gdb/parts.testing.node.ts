// What a stub is given in tests.

import type { SectorMachine } from "../debugging.node.ts";
import type { GdbParts } from "./stub.ts";

export function partsOf(made: SectorMachine, kill: () => void = () => {}): GdbParts {
  const { history } = made;
  return {
    machine: made.machine, board: made.board, cpu: made.cpu, debug: made.debug,
    monitor: (line) => made.type(line),
    back: history ? async (how) => (how === "step" ? history.stepBack() : history.continueBack()) : null,
    changed: () => history?.disturbed(),
    kill,
  };
}
