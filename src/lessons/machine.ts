// What a lesson sees of a machine: commands of the monitor and the trace bus. The page and Node each have one (ui/lessons, conformance/lessons).

import type { Reply } from "../contract/schema.ts";

export interface LessonMachine {
  /** A command with its arguments, plain data back. */
  execute(name: string, args?: { readonly [name: string]: unknown }): Promise<Reply<unknown>>;
  /** A line as somebody types it into the monitor. */
  type(line: string): Promise<Reply<string>>;
  serial(text: string): void;
  /** The trace bus. */
  readonly trace: ArrayBufferLike;
  /** Puts a panel of the inspector in front; nothing where there is none. */
  panel(name: string, at: string): void;
}
