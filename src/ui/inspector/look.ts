// How panels look into a machine: they ask commands, a few times a second while it runs, once a second while it stands (somebody may type into the
// monitor), at once when a person changed something, and never when the page or the panel is hidden. A panel that is closed asks nothing.

import { createContext, useCallback, useContext, useEffect, useRef, useState } from "react";
import type { Fault } from "../../contract/schema.ts";
import { inspected, inspectorActions, type MachineClient, type MachineRow, useInspector } from "../../store/index.ts";

export interface Machine {
  readonly row: MachineRow;
  readonly client: MachineClient;
}
export const MachineContext = createContext<Machine | null>(null);
export function useMachine(): Machine {
  const machine = useContext(MachineContext);
  if (!machine) throw new Error("a panel outside of the inspector");
  return machine;
}
export interface Looked<T> {
  readonly value: T | null;
  readonly fault: Fault | null;
}
const PAUSED_MS = 1000;

export function useLook<T>(name: string, args: { readonly [name: string]: unknown } = {}, everyMs = 250): Looked<T> {
  const { row, client } = useMachine();
  const stamp = useInspector((s) => inspected(s, row.id).stamp);
  const [looked, setLooked] = useState<Looked<T>>({ value: null, fault: null });
  const running = row.state === "running";
  const key = JSON.stringify(args);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for args; a stamp, a state or a session is a reason to look again
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      if (document.visibilityState === "visible") {
        const reply = await client.execute(name, args);
        if (over) return;
        setLooked((before) => (reply.ok ? { value: reply.value as T, fault: null } : { value: before.value, fault: reply.error }));
      }
      timer = setTimeout(look, running ? everyMs : PAUSED_MS);
    };
    void look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [client, row.session, name, key, everyMs, running, stamp]);
  return looked;
}
/** Carries out a command for a person; panels look again when it is done. The Fault, if there is one. */
export function useAct(): (name: string, args?: { readonly [name: string]: unknown }) => Promise<{ readonly value: unknown; readonly fault: Fault | null }> {
  const { row, client } = useMachine();
  return useCallback(
    async (name, args = {}) => {
      const reply = await client.execute(name, args);
      inspectorActions.touched(row.id);
      return reply.ok ? { value: reply.value, fault: null } : { value: null, fault: reply.error };
    },
    [client, row.id],
  );
}
/** The value before this one, for showing what changed between two stops. */
export function useBefore<T>(value: T | null, same: (a: T, b: T) => boolean): T | null {
  const now = useRef<T | null>(null);
  const before = useRef<T | null>(null);
  if (value !== null && (now.current === null || !same(now.current, value))) {
    before.current = now.current;
    now.current = value;
  }
  return before.current;
}
