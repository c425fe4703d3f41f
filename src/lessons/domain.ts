// From a lesson's machine to a domain: its program as the first disk ("lesson:NAME"), or a guest of the catalogue with the lesson's choices on top.

import { type DomainConfig, domainSchema } from "../contract/domain.ts";
import { FaultError } from "../contract/schema.ts";
import type { LessonMachineData } from "./format.ts";
import type { Lesson } from "./read.ts";

export function configOf(lesson: Lesson, data: LessonMachineData, guest: (id: string) => DomainConfig | null): DomainConfig {
  if (data.guest !== "") {
    const found = guest(data.guest);
    if (!found) throw new FaultError("lesson.guest", `This lesson needs the guest ${data.guest}, which is not built.`, "Run npm run images.");
    return { ...found, name: lesson.id };
  }
  return domainSchema.parse({
    name: lesson.id,
    memoryMiB: data.memoryMiB,
    cpu: { model: data.cpu, count: 1, accel: data.accel },
    clock: { mode: data.clock },
    firmware: data.firmware === "none" ? { bios: "none", vgaBios: "none" } : {},
    boot: { order: "c" },
    vga: "std",
    disks: [{ at: "ide0-master", media: "disk", source: `lesson:${data.program}`, format: "raw", snapshot: true }],
  });
}
