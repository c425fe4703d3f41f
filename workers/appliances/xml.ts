// XML as a tree without namespaces: elements by local name, attributes with "@". Documents come from strangers: no entities of their own, no depth.

import { XMLParser, XMLValidator } from "fast-xml-parser";
import { bad } from "./appliance.ts";

const MOST = 4 << 20;
export type Xml = { readonly [name: string]: unknown };
const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: "@", removeNSPrefix: true, parseTagValue: false, parseAttributeValue: false, processEntities: true, alwaysCreateTextNode: true });

export function parseXml(bytes: Uint8Array, what: string): Xml {
  if (bytes.length > MOST) throw bad(what, "it is too large");
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  const text = new TextDecoder(wide).decode(bytes).replace(/^(<\?xml[^>]*?)\sencoding=(["'])[^"']*\2/, "$1");
  if (/<!DOCTYPE|<!ENTITY/i.test(text)) throw bad(what, "it has a document type of its own");
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw bad(what, `${valid.err.msg.replace(/\.$/, "")} (line ${valid.err.line})`);
  try {
    return parser.parse(text) as Xml;
  } catch (error) {
    throw bad(what, error instanceof Error ? error.message : String(error));
  }
}
/** Elements of a name, none or many. */
export function all(of: unknown, name: string): readonly Xml[] {
  if (typeof of !== "object" || of === null || !Object.hasOwn(of, name)) return [];
  const found = (of as Xml)[name];
  return (Array.isArray(found) ? found : [found]).filter((x): x is Xml => typeof x === "object" && x !== null);
}
/** The first element along a path. */
export function first(of: unknown, ...path: readonly string[]): Xml | undefined {
  let here: Xml | undefined = of as Xml;
  for (const name of path) here = all(here, name)[0];
  return here;
}
export const textOf = (of: Xml | undefined): string => (typeof of?.["#text"] === "string" ? of["#text"].trim() : "");
export const attribute = (of: Xml | undefined, name: string): string => (typeof of?.[`@${name}`] === "string" ? (of[`@${name}`] as string) : "");
