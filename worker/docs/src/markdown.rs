//! Pages written in Markdown.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use crate::page::{escape, slug};

/// A page's title and its HTML. Markup in it is text, columns of tables have no style of their own, and a link to another file of
/// these leads to its page.
pub fn render(text: &str) -> (String, String) {
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES);
    let mut events: Vec<Event<'_>> = parser.map(plain).collect();
    let mut title = String::new();
    for at in 0..events.len() {
        let words = match events.get(at) {
            Some(Event::Start(Tag::Heading { .. })) => words_from(events.get(at + 1..).unwrap_or_default()),
            _ => continue,
        };
        if let Some(Event::Start(Tag::Heading { level, id, .. })) = events.get_mut(at) {
            *id = Some(CowStr::from(slug(&words)));
            if *level == HeadingLevel::H1 && title.is_empty() {
                title = words;
            }
        }
    }
    let mut written = String::new();
    html::push_html(&mut written, events.into_iter());
    (title, written)
}

fn words_from(events: &[Event<'_>]) -> String {
    let within = events.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let words = within.filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
        _ => None,
    });
    words.collect()
}

fn plain(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Table(columns)) => {
            Event::Start(Tag::Table(vec![pulldown_cmark::Alignment::None; columns.len()]))
        }
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

/// A table of what there is to read: an address, its name, and what it tells.
pub fn list(entries: &[(String, String, String)]) -> String {
    let item = |(address, name, words): &(String, String, String)| {
        format!("<li><a href=\"{}\">{}</a> {}</li>\n", escape(address), escape(name), escape(words))
    };
    format!("<ul>\n{}</ul>\n", entries.iter().map(item).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_written_is_markup_or_style() {
        let (title, html) =
            render("# A `b`\n\n<script>alert(1)</script>\n\n| a | b |\n| :-- | --: |\n| <b>1</b> | 2 |\n");
        assert_eq!(title, "A b");
        assert!(html.contains("<h1 id=\"a-b\">") && html.contains("<table>"), "{html}");
        assert!(!html.contains("<script") && !html.contains("style=") && !html.contains("<b>"), "{html}");
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
