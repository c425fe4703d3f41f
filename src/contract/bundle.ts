// A machine on its way to somebody else ("bundle"): what its manifest says, and what the page shows of it before anything starts. A bundle
// travels in a link's fragment, as one ".guesthouse" file, or as a manifest with chunks beside it on a web server.

import { type DomainConfig, domainSchema } from "./domain.ts";
import { FaultError, type Infer, integer, list, object, optional, type Schema, string } from "./schema.ts";

export const BUNDLE_FORMAT = 1;
/** Files of a bundle have this ending. */
export const BUNDLE_ENDING = ".guesthouse";
/** Longest fragment that we write: Chromium takes addresses of two mebibytes, Firefox of one (the page says so). */
export const MOST_LINK = 1_900_000;
export const LINK_FOR_ALL = 1_000_000;
export const LINK_INLINE = "#m=";
export const LINK_HOSTED = "#at=";

const MOST_PLAIN = 16 << 20;
const hash: Schema<string> = {
  ...string("SHA-256"),
  parse: (input, path = "hash") => {
    if (typeof input === "string" && /^[0-9a-f]{64}$/.test(input)) return input;
    throw new FaultError("schema.invalid", `${path}: expected a SHA-256, got ${JSON.stringify(input)?.slice(0, 80)}`);
  },
};
const number = (summary: string) => integer(summary, 0, Number.MAX_SAFE_INTEGER);
const numbers = (summary: string) => list(summary, integer("number of a chunk", 0, 2 ** 40));

/** A packed piece. */
const blob = object("a packed piece", {
  sha256: hash,
  bytes: integer("length", 1, MOST_PLAIN * 2),
  plain: integer("length when unpacked", 1, MOST_PLAIN),
});
/** Chunks of 64 KiB one after another in one blob. */
const group = object("chunks in one blob", { blob: number("which blob"), chunks: numbers("which chunks it holds") });
const base = object("what the chunks are over", {
  source: string("where it is found"),
  /** SHA-256 of a guest's file; size and tag of a web address, as its server tells them. */
  fingerprint: string("what it must be"),
});
const nullable = <T>(schema: Schema<T>) => optional<T, null>(schema, null);
const file = object("a file, or what was written over one", {
  /** What the domain calls it: "bundle:0" for a whole file; else the drive that wrote over its source. */
  id: string("name in this bundle"),
  name: string("its name"),
  size: number("length"),
  base: nullable(base),
  groups: list("contents", group),
});
const state = object("memory and devices", {
  head: number("blob of the devices"),
  dateMs: number("when it was saved"),
  /** A guest's saved machine that RAM is a difference to; none: RAM is here in full. */
  base: nullable(base),
  groups: list("RAM", group),
  /** Chunks that the base has and this machine does not (zeros). */
  zeros: numbers("chunks of zeros"),
  thumbnail: optional(string("picture of the screen"), ""),
});
/** What came in since that state: whoever opens the machine sees it happen again, and can go back in it. */
const recording = object("inputs since the state", {
  log: number("blob of the inputs with their moments"),
  instructions: number("how many instructions it goes on for"),
  inputs: number("how many inputs"),
});
export const manifestSchema = object("a bundle", {
  format: integer("format", BUNDLE_FORMAT, BUNDLE_FORMAT),
  program: string("what made it"),
  dateMs: number("when it was made"),
  domain: domainSchema,
  blobs: list("packed pieces", blob),
  files: list("files", file),
  state: nullable(state),
  recording: nullable(recording),
});
export type Manifest = Infer<typeof manifestSchema>;
export type BundleBlob = Infer<typeof blob>;
export type BundleGroup = Infer<typeof group>;
export type BundleFile = Infer<typeof file>;
export type BundleState = Infer<typeof state>;

/** Where the bytes of a bundle are. */
export type BundlePlace =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array | Blob; readonly from: "link" | "file" }
  /** A manifest on a web server; its chunks lie in "chunks/" beside it. */
  | { readonly kind: "hosted"; readonly url: string; readonly sha256: string };

/** What a bundle holds, for the question whether to start it. */
export interface BundleSummary {
  readonly domain: DomainConfig;
  readonly dateMs: number;
  readonly program: string;
  readonly bytes: number;
  readonly files: readonly { readonly name: string; readonly size: number; readonly bytes: number; readonly over: string }[];
  readonly state: { readonly dateMs: number; readonly bytes: number; readonly base: string; readonly thumbnail: string } | null;
  readonly recording: { readonly instructions: number; readonly inputs: number } | null;
  /** Web addresses that starting it will ask. */
  readonly hosts: readonly string[];
}
export interface MadeBundle {
  readonly bytes: Uint8Array;
  readonly summary: BundleSummary;
  /** For a web server: the pieces by name, without the manifest. */
  readonly chunks: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** SHA-256 of `bytes`. */
  readonly sha256: string;
}
