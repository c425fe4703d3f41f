// The PC speaker is heard: what WebAudio plays is listened to on its way to the loudspeaker, while a boot sector (beep.asm) beeps.

import { expect, test } from "vitest";
import { browser, id, openPage, until, viewport, withBrowser } from "./browsing.ts";

const BEEP = "McCO2I7QvAB8+7C25kO4qQTmQojg5kLkYQwD5mGwMegNAORhJPzmYbAw6AIA69u7ALiOwyaiAAC5EgCLFmwE9DsWbAR0+eLzww==";
/** An ear: of 2048 samples on their way out, the largest and how often they cross zero a second. */
const LISTEN = `
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      const ear = this.context.createAnalyser();
      ear.fftSize = 2048;
      connect.call(this, ear);
      window.hear = () => {
        const samples = new Float32Array(2048);
        ear.getFloatTimeDomainData(samples);
        let crossings = 0;
        for (let i = 1; i < samples.length; i++) if (samples[i - 1] < 0 !== samples[i] < 0) crossings++;
        return { loud: Math.max(...samples), hz: crossings / 2 / (samples.length / this.context.sampleRate) };
      };
    }
    return connect.call(this, to, ...rest);
  };`;

withBrowser();
test("a beep of 1000 Hz is heard, has an end, and can be muted", async () => {
  const context = await browser.newContext({ viewport });
  await context.addInitScript(LISTEN);
  const page = await openPage(context);
  const hear = () => page.evaluate("window.hear?.() ?? { loud: 0, hz: 0 }") as Promise<{ loud: number; hz: number }>;
  const image = Buffer.alloc(1_474_560);
  Buffer.from(BEEP, "base64").copy(image);
  image.writeUInt16LE(0xaa55, 510);
  await page.setInputFiles(id("add-file"), { name: "beep.img", mimeType: "application/octet-stream", buffer: image });
  await page.locator(".files li", { has: page.locator('input[value="beep.img"]') }).locator('button:has-text("Use in a new machine")').click();
  await page.click(id("form-start"));
  const heardTone = async () => {
    const { loud, hz } = await hear();
    return loud > 0.05 && Math.abs(hz - 1000) < 30;
  };
  const silent = async () => (await hear()).loud < 0.001;
  await until(heardTone, 60_000, async () => `a tone of 1000 Hz, not ${JSON.stringify(await hear())}`);
  await until(silent, 5000, "the end of the beep");
  await until(heardTone, 5000, "the next one");
  await page.click(id("tool-sound"));
  await until(silent, 1000, "silence");
  // Two seconds hold a whole beep of the guest: none of it is heard.
  for (const end = Date.now() + 2000; Date.now() < end; await new Promise((r) => setTimeout(r, 100))) expect((await hear()).loud).toBeLessThan(0.001);
  await page.click(id("tool-mute"));
  await until(heardTone, 5000, "the tone again");
  await page.click(id("tool-pause"));
  await until(silent, 1000, "silence of a paused machine");
  await context.close();
});
