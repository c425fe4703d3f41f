// biome-ignore-all lint/suspicious/noArrayIndexKey: the tokens of a text never change places
// A lesson's Markdown as elements. Tokens become React elements one by one; HTML in the text stays text, links lead to web pages and lessons only,
// pictures are left out. Code blocks named "monitor" get buttons that type their lines.

import type { Token, Tokens } from "marked";
import type { ReactNode } from "react";
import { useText } from "../use-text.ts";
import { lessonActions, openLesson } from "./session.ts";

/** marked leaves entities as they were written. */
const entities: { readonly [name: string]: string } = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
const plain = (text: string) => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name] as string);

function within(token: Token): ReactNode {
  if ("tokens" in token && token.tokens) return <Inline tokens={token.tokens} />;
  return "text" in token ? plain(String(token.text)) : token.raw;
}
function Inline({ tokens }: { readonly tokens: readonly Token[] }): ReactNode {
  return tokens.map((token, key) => {
    const inside = within(token);
    switch (token.type) {
      case "strong":
        return <strong key={key}>{inside}</strong>;
      case "em":
        return <em key={key}>{inside}</em>;
      case "codespan":
        return (
          <code key={key} translate="no">
            {plain((token as Tokens.Codespan).text)}
          </code>
        );
      case "br":
        return <br key={key} />;
      case "link":
        return (
          <LinkTo key={key} href={(token as Tokens.Link).href}>
            {inside}
          </LinkTo>
        );
      case "text":
      case "escape":
        return <span key={key}>{inside}</span>;
      default:
        return <span key={key}>{token.raw}</span>;
    }
  });
}
function LinkTo({ href, children }: { readonly href: string; readonly children: ReactNode }) {
  const lesson = /^\?lesson=([a-z0-9-]+)$/.exec(href)?.[1];
  if (lesson !== undefined)
    return (
      <button type="button" className="as-link" onClick={() => void openLesson(lesson)}>
        {children}
      </button>
    );
  if (!/^https?:\/\//.test(href)) return <span>{children}</span>;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  );
}
function MonitorLines({ text }: { readonly text: string }) {
  const t = useText();
  return (
    <ul className="lesson-commands" translate="no">
      {text.split("\n").map((line) => (
        <li key={line}>
          <code>{line}</code>
          <button type="button" onClick={() => lessonActions.type(line)} aria-label={t("lesson.typeLine", { line })}>
            {t("lesson.type")}
          </button>
        </li>
      ))}
    </ul>
  );
}
export function Markdown({ tokens }: { readonly tokens: readonly Token[] }): ReactNode {
  return tokens.map((token, key) => {
    switch (token.type) {
      case "space":
        return null;
      case "paragraph":
      case "text":
        return <p key={key}>{"tokens" in token && token.tokens ? <Inline tokens={token.tokens} /> : plain(token.raw)}</p>;
      case "heading":
        return (
          <h5 key={key}>
            <Inline tokens={(token as Tokens.Heading).tokens} />
          </h5>
        );
      case "code":
        return (token as Tokens.Code).lang === "monitor" ? (
          <MonitorLines key={key} text={(token as Tokens.Code).text} />
        ) : (
          <pre key={key} translate="no">
            {(token as Tokens.Code).text}
          </pre>
        );
      case "list": {
        const { ordered, items } = token as Tokens.List;
        const rows = items.map((item, n) => (
          <li key={n}>
            <Markdown tokens={item.tokens} />
          </li>
        ));
        return ordered ? <ol key={key}>{rows}</ol> : <ul key={key}>{rows}</ul>;
      }
      case "blockquote":
        return (
          <blockquote key={key}>
            <Markdown tokens={(token as Tokens.Blockquote).tokens} />
          </blockquote>
        );
      case "table": {
        const { header, rows } = token as Tokens.Table;
        return (
          <table key={key}>
            <thead>
              <tr>
                {header.map((cell, n) => (
                  <th key={n} scope="col">
                    <Inline tokens={cell.tokens} />
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, r) => (
                <tr key={r}>
                  {row.map((cell, n) => (
                    <td key={n}>
                      <Inline tokens={cell.tokens} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        );
      }
      case "hr":
        return <hr key={key} />;
      default:
        return <p key={key}>{token.raw}</p>;
    }
  });
}
