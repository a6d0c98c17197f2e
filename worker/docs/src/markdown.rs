//! Pages written in Markdown.

use std::collections::BTreeSet;

use pulldown_cmark::{Alignment, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use crate::page::{Page, slug};

/// Around a table, whose columns mean nothing without their heads: where it is too wide it is moved by keys too.
const WIDE: &str = "<div class=\"wide\" role=\"region\" aria-label=\"Table\" tabindex=\"0\">";

/// The page at `path`. Markup in its text is text, columns of tables have no style of their own, a link to another of these files leads
/// to that one's page, and each heading but the first leads to itself.
pub fn render(path: String, text: &str) -> Page {
    let events: Vec<Event<'_>> = Parser::new_ext(text, Options::ENABLE_TABLES).map(plain).collect();
    let mut page = Page { path, title: String::new(), summary: String::new(), parts: vec![], main: String::new() };
    let mut written = Vec::with_capacity(events.len());
    let (mut names, mut is_linked) = (BTreeSet::from(["main".to_owned(), "contents".to_owned()]), false);
    for (at, event) in events.iter().enumerate() {
        let behind = || events.get(at + 1..).unwrap_or_default();
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) if page.title.is_empty() => {
                page.title = words_of(behind());
                written.push(event.clone());
            }
            Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
                let words = words_of(behind());
                let name = free_name(&mut names, &slug(&words));
                if *level == HeadingLevel::H2 {
                    page.parts.push((name.clone(), words));
                }
                let (level, classes, attrs) = (*level, classes.clone(), attrs.clone());
                let id = Some(CowStr::from(name.clone()));
                written.push(Event::Start(Tag::Heading { level, id, classes, attrs }));
                written.push(Event::InlineHtml(CowStr::from(format!("<a href=\"#{name}\">"))));
                is_linked = true;
            }
            Event::End(TagEnd::Heading(_)) if is_linked => {
                is_linked = false;
                written.extend([Event::InlineHtml(CowStr::from("</a>")), event.clone()]);
            }
            Event::Start(Tag::Table(_)) => {
                written.extend([Event::Html(CowStr::from(WIDE)), event.clone()]);
            }
            Event::End(TagEnd::Table) => {
                written.extend([event.clone(), Event::Html(CowStr::from("</div>\n"))]);
            }
            _ => {
                if matches!(event, Event::Start(Tag::Paragraph)) && page.summary.is_empty() {
                    page.summary = words_of(behind());
                }
                written.push(event.clone());
            }
        }
    }
    html::push_html(&mut page.main, written.into_iter());
    page
}

/// The text up to the end of a heading or paragraph.
fn words_of(events: &[Event<'_>]) -> String {
    let is_end = |event: &Event<'_>| matches!(event, Event::End(TagEnd::Heading(_) | TagEnd::Paragraph));
    let words = events.iter().take_while(|event| !is_end(event)).filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
        Event::SoftBreak | Event::HardBreak => Some(" "),
        _ => None,
    });
    words.collect()
}

fn free_name(names: &mut BTreeSet<String>, wanted: &str) -> String {
    let mut name = wanted.to_owned();
    let mut number = 1;
    while !names.insert(name.clone()) {
        number += 1;
        name = format!("{wanted}-{number}");
    }
    name
}

fn plain(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Table(columns)) => Event::Start(Tag::Table(vec![Alignment::None; columns.len()])),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: CowStr::from(target(&dest_url)), title, id })
        }
        other => other,
    }
}

/// `guides/nezha.md#x` is the page `/docs/guides/nezha#x`.
fn target(link: &str) -> String {
    let (file, part) = link.split_once('#').map_or((link, String::new()), |(file, part)| (file, format!("#{part}")));
    match file.strip_suffix(".md") {
        Some(name) if !link.contains("://") => {
            format!("/docs/{}{part}", name.trim_start_matches("../").trim_start_matches("./"))
        }
        _ => link.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_written_is_markup_or_style() {
        let page = render(
            "a".to_owned(),
            "# A `b`\n\nTold\nof *it*.\n\n## <i>x</i>\n\n<script>alert(1)</script>\n\n| a | b |\n| :-- | --: |\n| <b>1</b> | 2 |\n",
        );
        assert_eq!((page.title.as_str(), page.summary.as_str()), ("A b", "Told of it."));
        let html = page.main;
        assert!(html.contains("<h1>") && html.contains(&format!("{WIDE}<table>")), "{html}");
        let forbidden = ["<script", "style=", "<b>", "<i>"];
        assert!(forbidden.iter().all(|one| !html.contains(one)), "{html}");
    }

    #[test]
    fn headings_lead_to_themselves_and_none_to_another() {
        let page = render("a".to_owned(), "# A\n\n## Go on\n\n### Go on\n\n## Main\n");
        let parts = [("go-on", "Go on"), ("main-2", "Main")].map(|(id, words)| (id.to_owned(), words.to_owned()));
        assert_eq!(page.parts, parts);
        assert!(page.main.contains("<h3 id=\"go-on-2\"><a href=\"#go-on-2\">Go on</a></h3>"), "{}", page.main);
    }

    #[test]
    fn links_between_pages_lead_to_pages() {
        let targets =
            ["pulse.md", "guides/nezha.md#add", "../pulse.md", "https://example.com/a.md", "/docs/metrics", "#here"]
                .map(target);
        let expected = [
            "/docs/pulse",
            "/docs/guides/nezha#add",
            "/docs/pulse",
            "https://example.com/a.md",
            "/docs/metrics",
            "#here",
        ];
        assert_eq!(targets, expected);
    }
}
