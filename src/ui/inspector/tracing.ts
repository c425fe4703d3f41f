// Panels that watch events: they switch the kinds they need on while they are open and somebody wants them, and off again unless somebody else (the
// monitor, another panel) had them on. The events are read from the ring in shared memory, a few times a second.

import { useEffect, useRef, useState } from "react";
import { type TraceEvent, type TraceName, TraceReader } from "../../contract/trace.ts";
import type { MachineClient } from "../../store/index.ts";
import { useMachine } from "./look.ts";

interface Wanted {
  /** How many panels want a kind. */
  readonly panels: Map<TraceName, number>;
  /** Kinds that panels switched on; until "off" is done they still look on, and are no one else's. */
  readonly ours: Set<TraceName>;
}
/** By a machine's session. */
const wanted = new WeakMap<ArrayBufferLike, Wanted>();
async function want(client: MachineClient, buffer: ArrayBufferLike, kinds: readonly TraceName[], filter: string): Promise<() => void> {
  const reader = new TraceReader(buffer);
  let known = wanted.get(buffer);
  if (!known) wanted.set(buffer, (known = { panels: new Map(), ours: new Set() }));
  const { panels: map, ours } = known;
  // A kind that the monitor switched on stays as it is, before and after.
  const mine = kinds.filter((k) => ours.has(k) || !reader.isOn(k));
  const fresh = mine.filter((k) => !map.has(k));
  for (const k of mine) {
    map.set(k, (map.get(k) ?? 0) + 1);
    ours.add(k);
  }
  if (fresh.length > 0) await client.execute("trace on", { kinds: fresh.join(","), filter });
  return () => {
    const last = mine.filter((k) => {
      const n = (map.get(k) ?? 1) - 1;
      if (n > 0) map.set(k, n);
      else map.delete(k);
      return n <= 0;
    });
    if (last.length === 0 || client.closed) return;
    void client.execute("trace off", { kinds: last.join(",") }).then(() => {
      for (const k of last) if (!map.has(k)) ours.delete(k);
    });
  };
}
/**
 * Events of these kinds while `on`, in order, in batches to `take`; how many were lost (overwritten, or kept out by the rate). `kinds` must stay the same.
 * `filter`: what `trace on` takes, so that what nobody looks for is not recorded.
 */
export function useEvents(kinds: readonly TraceName[], on: boolean, filter: string, take: (events: readonly TraceEvent[]) => void, everyMs = 250): number {
  const { row, client } = useMachine();
  const [lost, setLost] = useState(0);
  const taker = useRef(take);
  taker.current = take;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new session means new shared memory behind the same client
  useEffect(() => {
    const buffer = client.trace;
    if (!on || !buffer) return;
    let over = false;
    let release: (() => void) | null = null;
    const reader = new TraceReader(buffer);
    const names = new Set<TraceName>(kinds);
    let from = reader.end;
    const limitedOf = () => kinds.reduce((sum, k) => sum + reader.limited(k), 0);
    const limitedBefore = limitedOf();
    let overwritten = 0;
    void want(client, buffer, kinds, filter).then((off) => {
      if (over) off();
      else release = off;
    });
    const timer = setInterval(() => {
      const got = reader.since(from);
      from = got.end;
      overwritten += got.lost;
      const events = got.events.filter((e) => names.has(e.kind));
      if (events.length > 0) taker.current(events);
      setLost(overwritten + limitedOf() - limitedBefore);
    }, everyMs);
    return () => {
      over = true;
      clearInterval(timer);
      release?.();
    };
  }, [client, row.session, on, filter, everyMs, kinds]);
  return lost;
}
