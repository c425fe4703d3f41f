// Parts of the page that are fetched when they are first wanted, and drawn as a transition: React does that in slices of a few milliseconds, and what a
// person clicked on answers first. Not React.lazy: it holds back what arrives within 300 ms of its fallback, and without a boundary for errors a part that
// cannot be fetched takes the whole page with it.

import { type ComponentType, type ReactNode, startTransition, useEffect, useState } from "react";
import { breathe } from "../contract/breathe.ts";
import { FaultError } from "../contract/schema.ts";
import { actions } from "../store/index.ts";

export interface Later<P> {
  (props: P & { readonly waiting?: ReactNode }): ReactNode;
  /** Fetches it before somebody wants it. */
  fetch(): Promise<void>;
}
export function later<P extends object>(load: () => Promise<{ readonly default: ComponentType<P> }>): Later<P> {
  let there: ComponentType<P> | null = null;
  let coming: Promise<void> | null = null;
  const fetch = () => {
    coming ??= load().then(
      async (part) => {
        there = part.default;
        // Running it for the first time was a task; drawing it is another.
        await breathe();
      },
      (error: unknown) => {
        coming = null;
        console.error(error);
        actions.fault(new FaultError("page.part", "A part of the page could not be fetched.", "Is the network there? Try again, or load the page again.").fault);
      },
    );
    return coming;
  };
  // biome-ignore lint/correctness/noComponentHookFactories: parts are made where modules begin, as React.lazy makes them
  function Part({ waiting = null, ...props }: P & { readonly waiting?: ReactNode }): ReactNode {
    const [Shown, show] = useState<ComponentType<P> | null>(null);
    useEffect(() => {
      let over = false;
      void fetch().then(() => {
        if (!over) startTransition(() => show(() => there));
      });
      return () => {
        over = true;
      };
    }, []);
    return Shown ? <Shown {...(props as unknown as P)} /> : waiting;
  }
  return Object.assign(Part, { fetch });
}
/** What is there already, drawn after everything that somebody waits for. */
export function Afterwards({ children }: { readonly children: ReactNode }): ReactNode {
  const [now, begin] = useState(false);
  useEffect(() => startTransition(() => begin(true)), []);
  return now ? children : null;
}
