import { expect, test, vi } from "vitest";
import type { SpokenTone } from "../../src/contract/machine.ts";
import { SpeakerSink } from "./speaker.ts";

test("the first tone goes at once, those that follow soon after together, and a flood is cut", () => {
  vi.useFakeTimers();
  try {
    const sent: (readonly SpokenTone[])[] = [];
    let now = 0;
    const sink = new SpeakerSink((tones) => void sent.push(tones), () => now);
    sink.tone(1000, 440);
    expect(sent).toEqual([[{ atNs: 1000, hz: 440 }]]);
    sink.tone(2000, 880);
    sink.tone(3000, 0);
    expect(sent).toHaveLength(1);
    now = 10;
    vi.advanceTimersByTime(10);
    expect(sent[1]).toEqual([{ atNs: 2000, hz: 880 }, { atNs: 3000, hz: 0 }]);
    for (let n = 0; n < 100_000; n++) sink.tone(4000 + n, n & 1 ? 0 : 100);
    now = 20;
    vi.advanceTimersByTime(10);
    expect(sent).toHaveLength(3);
    expect(sent[2]?.length).toBeLessThanOrEqual(128);
    // What it ends with is not lost.
    expect(sent[2]?.at(-1)).toEqual({ atNs: 103_999, hz: 0 });
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
