// What the bench's worker answers, in a page and in Node: first the module (bytes are fetched once, a compiled one is taken as it is), then one answer
// for each request, in their order. Bare messages: whoever asks ends the worker when an answer takes too long (src/manager/assembler.ts).

import type { AssemblyRequest } from "../../src/contract/assembly.ts";
import { reply } from "../../src/contract/schema.ts";
import { assemble } from "./nasm.ts";

type Asked = { readonly begin: string | WebAssembly.Module } | { readonly assemble: AssemblyRequest };

export function serveAssembler(load: (address: string) => Promise<WebAssembly.Module>, post: (message: unknown) => void): (asked: unknown) => Promise<void> {
  let module: Promise<WebAssembly.Module> | null = null;
  return async (message) => {
    const asked = message as Asked;
    if ("begin" in asked) {
      const { begin } = asked;
      const loading = typeof begin === "string" ? load(begin) : Promise.resolve(begin);
      module = loading;
      post({ begun: await reply(() => loading) });
    } else post({ answer: await reply(async () => assemble(await (module as Promise<WebAssembly.Module>), asked.assemble)) });
  };
}
