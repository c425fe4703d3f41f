// What WebAudio is told: tones at the guest's distances, silence for machines that stand still or are muted, rest when nothing plays.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Speaker } from "./speaker.ts";

class FakeContext {
  currentTime = 10;
  state: "running" | "suspended" = "running";
  readonly sampleRate = 48_000;
  readonly destination = {};
  readonly said: string[] = [];
  #param(name: string) {
    return { value: 0, setValueAtTime: (v: number, at: number) => this.said.push(`${name} ${Number(v.toFixed(3))} at ${at.toFixed(3)}`), cancelScheduledValues: (at: number) => this.said.push(`${name} cancel ${at}`) };
  }
  createOscillator() {
    return { type: "", frequency: this.#param("hz"), connect: () => undefined, start: () => this.said.push("start"), stop: () => this.said.push("stop") };
  }
  createGain() {
    return { gain: this.#param("gain"), connect: () => undefined };
  }
  async suspend() {
    this.state = "suspended";
  }
  async resume() {
    this.state = "running";
  }
  take() {
    return this.said.splice(0);
  }
}
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
function stage(on = true, touched = true) {
  const context = new FakeContext();
  let made = 0;
  const world = { touched };
  const speaker = new Speaker(on, () => {
    made++;
    return context;
  }, () => world.touched);
  return { context, speaker, world, made: () => made };
}

test("tones are as far apart as the guest made them, also when they are told late", () => {
  const { context, speaker } = stage();
  speaker.tones("a", [{ atNs: 5e9, hz: 1000 }, { atNs: 5.1e9, hz: 2000 }]);
  context.currentTime = 10.13;
  speaker.tones("a", [{ atNs: 5.15e9, hz: 0 }]);
  expect(context.take()).toEqual(["start", "hz 1000 at 10.060", "gain 0.08 at 10.060", "hz 2000 at 10.160", "gain 0.08 at 10.160", "gain 0 at 10.210"]);
  // Long after, or after the guest's clock jumped, the distance to the page's is taken anew.
  context.currentTime = 20;
  speaker.tones("a", [{ atNs: 900e9, hz: 500 }]);
  expect(context.take()).toEqual(["hz 500 at 20.060", "gain 0.08 at 20.060"]);
});
test("nothing sounds before the page was touched; what plays then does", () => {
  const { context, speaker, world, made } = stage(true, false);
  speaker.tones("a", [{ atNs: 0, hz: 440 }]);
  expect(made()).toBe(0);
  world.touched = true;
  speaker.touched();
  expect(context.take()).toEqual(["start", "hz 440 at 10.000", "gain 0.08 at 10.000"]);
});
test("muted, paused and closed machines are silent; they go on with what they play", () => {
  const { context, speaker, made } = stage(false);
  speaker.tones("a", [{ atNs: 0, hz: 440 }]);
  expect(made()).toBe(0);
  speaker.on = true;
  expect(context.take()).toEqual(["start", "hz 440 at 10.000", "gain 0.08 at 10.000"]);
  speaker.on = false;
  expect(context.take()).toEqual(["gain cancel 0", "gain 0 at 10.000"]);
  speaker.on = true;
  context.take();
  speaker.state("a", false);
  expect(context.take()).toEqual(["gain cancel 0", "gain 0 at 10.000"]);
  speaker.state("a", true);
  expect(context.take()).toEqual(["hz 440 at 10.000", "gain 0.08 at 10.000"]);
  speaker.forget("a");
  expect(context.take()).toEqual(["stop"]);
});
test("the context rests when all are silent, and a tone too high to hear is none", async () => {
  const { context, speaker } = stage();
  speaker.tones("a", [{ atNs: 0, hz: 440 }]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(context.state).toBe("running");
  speaker.tones("a", [{ atNs: 1e9, hz: 0 }]);
  await vi.advanceTimersByTimeAsync(3000);
  expect(context.state).toBe("suspended");
  context.take();
  speaker.tones("a", [{ atNs: 2e9, hz: 600_000 }]);
  expect(context.take()).toEqual(["gain 0 at 10.060"]);
  speaker.tones("a", [{ atNs: 2.1e9, hz: 600 }]);
  expect(context.state).toBe("running");
});
